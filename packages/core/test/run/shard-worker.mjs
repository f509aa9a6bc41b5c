// A worker of a shard: in each file it writes a row of its own, and answers with all that it sees.
import { parentPort, workerData } from 'node:worker_threads'
import { openWorker } from '@seedbed/core/worker'

const { handle, slot } = workerData
const worker = await openWorker(handle, slot)
let files = 0

parentPort.on('message', message => void answer(message))

async function answer(message) {
  if (message === 'close') {
    await worker.close()
    parentPort.postMessage('closed')
    return parentPort.close()
  }
  files += 1
  const file = { id: String(files), kind: 'file', name: `file ${files}` }
  await worker.enter(file)
  await worker.db.query('insert into users (name) values ($1)', [`${process.pid} ${slot} ${files}`])
  const { rows } = await worker.db.query('select id, name from users order by id')
  await worker.leave(file)
  parentPort.postMessage(rows)
}
