import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { until } from '../server/support.js'

interface Told {
  event: string
  line?: string
  seen?: unknown
  [detail: string]: unknown
}

/** Starts shard-run.mjs on the compiled files: a run of the project, whose `users` has Ada in it. */
export function startShard(folder: string, { url, slots }: { url: string; slots: number }) {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('shard-run.mjs', import.meta.url)), folder, String(slots)],
    {
      env: { ...process.env, TEST_DATABASE_URL: url },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const told: Told[] = []
  let errors = ''
  child.stderr.on('data', data => (errors += data))
  createInterface({ input: child.stdout }).on('line', line => told.push(JSON.parse(line) as Told))
  let ended = false
  const closed = once(child, 'close').then(() => (ended = true))
  const find = (wanted: (each: Told) => boolean) =>
    until(async () => {
      const found = told.find(wanted)
      if (!found && ended) throw new Error(`the shard has ended: ${JSON.stringify(told)}\n${errors}`)
      return found
    }, 90_000)
  return {
    pid: child.pid!,
    event: (name: string) => find(({ event }) => event === name),
    progress: (pattern: RegExp) => find(({ line }) => line !== undefined && pattern.test(line)),
    /** What its workers see in a file if each sees the seed and what it has written there itself. */
    ownRows: (file: number) =>
      Array.from({ length: slots }, (_, index) => [
        { id: 1, name: 'Ada' },
        { id: 2, name: `${child.pid} ${index + 1} ${file}` },
      ]),
    goOn: () => void child.stdin.write('go on\n'),
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
  }
}
