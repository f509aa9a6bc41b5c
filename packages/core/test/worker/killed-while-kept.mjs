/** A worker that dies right after the database that it leaves was committed in. */
import { openScopes } from '../../dist/worker/scopes.js'
import { currentWorker } from '../../dist/worker/open-worker.js'

const scopes = await openScopes(JSON.parse(process.argv[2]), 1)
const file = { id: 'file', kind: 'file', name: 'item.test.ts' }
const test = { id: 'test', kind: 'test', name: 'fails' }
await scopes.enter(file)
await scopes.enter(test)
await currentWorker('db').db.query("insert into item (name) values ('of the test')")
const { sandbox } = await scopes.inSandbox()
const leave = sandbox.leave
sandbox.leave = async options => {
  await leave(options)
  process.kill(process.pid, 'SIGKILL')
}
await scopes.leave({ ...test, failed: true })
