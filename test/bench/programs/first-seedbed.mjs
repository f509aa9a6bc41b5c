// From nothing to the first test's first answer, through Seedbed: node first-seedbed.mjs <project> <slots>. Sends the
// milliseconds since Node began to run this file, then gives everything back.
const begin = performance.now()
const { startRun } = await import('@seedbed/core')
const { openWorker } = await import('@seedbed/core/worker')

const [, , folder, slots] = process.argv
const run = await startRun({ folder, slots: Number(slots) })
const ready = performance.now()
const worker = await openWorker(run.handle, 1)
await worker.enter({ kind: 'file', name: 'a.test.ts' })
await worker.enter({ kind: 'test', name: 'a test' })
const { rows } = await worker.db.query('select count(*)::int as customers from customer')
const first = performance.now()
if (rows[0].customers !== Number(process.env.EXPECTED_CUSTOMERS))
  throw new Error(`found ${rows[0].customers} customers`)
process.send({ milliseconds: first - begin, ready: ready - begin })
await worker.close()
await run.close()
process.disconnect()
