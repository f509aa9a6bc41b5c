// One run of the project in argv[2], in a process of its own; prints what it found as JSON.
import { startRun } from '@seedbed/core'
import { openWorker } from '@seedbed/core/worker'

const run = await startRun({ folder: process.argv[2], slots: 1 })
const worker = await openWorker(run.handle, 1)
const file = { id: '1', kind: 'file', name: 'one-run' }
await worker.enter(file)
const { rows } = await worker.db.query('select id, name from users')
await worker.leave(file)
await worker.close()
const { origin, templateBuilt } = await run.close()
console.log(JSON.stringify({ origin, templateBuilt, rows }))
