// A shard of a CI: one run of the project in argv[2] with the workers of argv[3], each in a thread. It prints one JSON object a line, and
// goes on from step to step when a line comes in.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Worker } from 'node:worker_threads'
import { startRun } from '@seedbed/core'

const say = (event, details = {}) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`)
const lines = createInterface({ input: process.stdin })
const told = () => once(lines, 'line')

const [folder, slots] = [process.argv[2], Number(process.argv[3])]
const run = await startRun({ folder, slots, progress: line => say('progress', { line }) })
const workers = run.handle.workers.map(
  (_, index) =>
    new Worker(new URL('shard-worker.mjs', import.meta.url), { workerData: { handle: run.handle, slot: index + 1 } }),
)
const answers = async message => {
  for (const worker of workers) worker.postMessage(message)
  return Promise.all(workers.map(async worker => (await once(worker, 'message'))[0]))
}

say('first file', { seen: await answers('file') })
await told()
say('second file', { seen: await answers('file') })
await told()
await answers('close')
const { templateBuilt, databases, dropped } = await run.close()
say('closed', { templateBuilt, databases, dropped })
process.exit()
