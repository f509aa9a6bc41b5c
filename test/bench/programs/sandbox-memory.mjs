// What a sandbox keeps in memory, test after test: node --expose-gc sandbox-memory.mjs <url> <tests> …, counts that
// grow. Sends at each of them the bytes that are in use after a collection, and those in its session's process.
import { openSandbox } from 'pg-sandbox'
import pg from 'pg'

const [, , url, ...counts] = process.argv
const sandbox = await openSandbox({ url })
/** As a client of another process, and not of this one. */
const overTcp = sandbox.url.replace('127.0.0.1', 'localhost')
const pool = new pg.Pool({ connectionString: sandbox.url, max: 1 })
let coming = await connected(overTcp)
let test = 0

await sandbox.enter('file')
for (const count of counts.map(Number)) {
  while (test < count) await runTest()
  process.send(await memory())
}
await Promise.all([pool.end(), coming.end()])
await sandbox.close()
process.disconnect()

/** Like a suite: a file is 100 tests, and each second file has a beforeAll that writes. */
async function runTest() {
  test += 1
  if (test % 100 === 0) {
    await sandbox.leave()
    await sandbox.enter('file')
    if (test % 200 === 0) await insertAndCount(coming)
  }
  if (test % 10 === 0) {
    await coming.end()
    coming = await connected(test % 20 === 0 ? sandbox.url : overTcp)
  }
  await sandbox.enter('test')
  await insertAndCount(coming)
  const staying = await pool.connect()
  await insertAndCount(staying)
  staying.release()
  await sandbox.leave()
}

async function insertAndCount(client) {
  await client.query('begin')
  await client.query('insert into customer (name, email) values ($1, $2)', [
    'Ada',
    `${test}-${Math.random()}@example.org`,
  ])
  const { rows } = await client.query({ name: 'count', text: 'select count(*)::int as customers from customer' })
  await client.query('commit')
  if (rows[0].customers > 3) throw new Error(`test ${test} saw ${rows[0].customers} customers`)
}

async function memory() {
  // Once more for what a first collection only lets go.
  for (let time = 0; time < 3; time++) {
    await new Promise(resolve => setImmediate(resolve))
    gc()
  }
  const { heapUsed, external } = process.memoryUsage()
  const { rows } = await pool.query('select sum(used_bytes)::int as bytes from pg_backend_memory_contexts')
  return { process: heapUsed + external, session: rows[0].bytes }
}

async function connected(connectionString) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  return client
}
