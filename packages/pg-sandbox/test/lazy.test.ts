import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openSandbox } from '../src/index.js'
import { column } from './support.js'

let server: PostgresForTests
let admin: Client

beforeAll(async () => {
  server = await startPostgres()
  admin = new Client(server.url)
  await admin.connect()
  await admin.query('create table item (name text)')
})
afterAll(async () => {
  await admin.end()
  await server.stop()
})

const sessionsOnServer = async () =>
  column(admin, "select count(*)::int from pg_stat_activity where backend_type = 'client backend'")

test('opens no session before its first client, who finds the scopes as they were entered', async () => {
  await using sandbox = await openSandbox({ url: server.url })
  await sandbox.enter('file')
  await sandbox.enter('silent test')
  expect(await sandbox.leave()).toMatchObject({ scope: 'silent test', statements: {}, clients: [] })
  expect(sandbox.sessions).toBe(0)
  // What looked whether the server was ready may still be ending.
  await expect.poll(sessionsOnServer).toEqual([1])

  await sandbox.enter('test')
  const clients = [new Client(sandbox.url), new Client(sandbox.url)] as const
  await Promise.all(clients.map(client => client.connect()))
  expect(sandbox.sessions).toBe(1)
  await clients[0].query("insert into item values ('of the test')")
  expect(await column(clients[1], 'select name from item')).toEqual(['of the test'])
  expect(await sandbox.leave()).toMatchObject({ scope: 'test', statements: { INSERT: 1, SELECT: 1 } })
  expect(await column(clients[0], 'select name from item')).toEqual([])
  expect(await sandbox.leave()).toMatchObject({ scope: 'file' })
  for (const client of clients) await client.end()
})

test('looks once which constraints there are, and again after a statement that may have made some', async () => {
  await using logging = await startPostgres({ settings: { log_statement: 'all' } })
  await using sandbox = await openSandbox({ url: logging.url })
  const looks = async () => (await logging.log()).split('from pg_catalog.pg_constraint').length - 1
  const client = new Client(sandbox.url)
  await client.connect()
  const test = async (sql: string) => {
    await sandbox.enter('test')
    await client.query(sql)
    await sandbox.leave()
  }
  for (let time = 0; time < 3; time++) await test('select 1')
  expect(await looks()).toBe(1)
  await test('create table made (id int unique deferrable initially deferred)')
  for (let time = 0; time < 3; time++) await test('select 1')
  expect(await looks()).toBe(2)
  await client.end()
})

test('a server that cannot be reached is told to the client, and tried again with the next', async () => {
  const gone = await startPostgres()
  await using sandbox = await openSandbox({ url: gone.url })
  await gone.stop()
  await sandbox.enter('a test')
  for (let attempt = 1; attempt <= 2; attempt++) {
    const client = new Client(sandbox.url)
    await expect(client.connect()).rejects.toMatchObject({
      code: '08001',
      message: expect.stringContaining('could not open its session') as string,
    })
    expect(sandbox.sessions).toBe(attempt)
  }
  await sandbox.leave()
})

test('fake timers of the test that connects first do not reach it', async () => {
  await using sandbox = await openSandbox({ url: server.url, turnTimeout: 50 })
  await sandbox.enter('a test')
  vi.useFakeTimers()
  try {
    const [holder, waiting] = [new Client(sandbox.url), new Client(sandbox.url)]
    await Promise.all([holder.connect(), waiting.connect()])
    await holder.query('begin; select 1')
    await expect(waiting.query('select 1')).rejects.toMatchObject({ code: '55P03' })
    await Promise.all([holder.end(), waiting.end()])
  } finally {
    vi.useRealTimers()
  }
})

test('a sandbox that is closed while its session is being opened leaves none', async () => {
  const sandbox = await openSandbox({ url: server.url })
  const refused = expect(sandbox.maintain(async () => {})).rejects.toMatchObject({ code: 'CLOSED' })
  await sandbox.close()
  await refused
  await expect.poll(sessionsOnServer).toEqual([1])
})

test('what the environment says of the server is taken when it is opened, for then it may name the sandbox', async () => {
  const { hostname, port, username, pathname } = new URL(server.url)
  vi.stubEnv('PGHOST', decodeURIComponent(hostname))
  vi.stubEnv('PGPORT', port)
  vi.stubEnv('PGUSER', username)
  await using sandbox = await openSandbox({ url: `postgresql://${pathname}` })
  const own = new URL(sandbox.url)
  expect(own.port).toBe(String(sandbox.port))
  vi.stubEnv('PGHOST', own.hostname)
  vi.stubEnv('PGPORT', own.port)
  vi.stubEnv('PGPASSWORD', own.password)
  vi.stubEnv('PGDATABASE', own.pathname.slice(1))
  try {
    await sandbox.enter('a test')
    const client = new Client()
    await client.connect()
    expect(await column(client, 'select current_user')).toEqual([username])
    await client.end()
  } finally {
    vi.unstubAllEnvs()
  }
})

test('refuses a URL that is none', async () => {
  await expect(openSandbox({ url: 'somewhere' })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test('what a client sends that begins to connect in a scope belongs to it, though nobody waits for it', async () => {
  await using sandbox = await openSandbox({ url: server.url })
  await sandbox.enter('a file')
  const pool = new Pool({ connectionString: sandbox.url })
  for (const scope of ['with the first client of all', 'with another one']) {
    await sandbox.enter(scope)
    const holder = scope === 'with another one' ? await pool.connect() : undefined
    const late = pool.query("insert into item values ('late')")
    expect(await sandbox.leave()).toMatchObject({ statements: { INSERT: 1 } })
    await late
    holder?.release()
    expect((await pool.query('select from item')).rowCount).toBe(0)
  }
  await pool.end()
})

test('closed, it hangs up on clients of this process only when they wait for something', async () => {
  const sandbox = await openSandbox({ url: server.url })
  await sandbox.enter('a test')
  const [resting, waiting] = [new Client(sandbox.url), new Client(sandbox.url)]
  await Promise.all([resting.connect(), waiting.connect()])
  const errors: Error[] = []
  resting.on('error', error => errors.push(error))
  waiting.on('error', () => {})
  const answer = expect(waiting.query('select pg_sleep(60)')).rejects.toThrow('Connection terminated unexpectedly')
  await expect.poll(async () => (await admin.query(sleeping)).rowCount).toBe(1)
  await Promise.all([sandbox.close(), answer])
  expect(errors).toEqual([])
  await expect(resting.query('select 1')).rejects.toThrow('the sandbox was closed')
  await resting.end()
})

test('neither its session nor an idle client of the process keeps a process alive', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', endsByItself], {
    env: { ...process.env, SERVER_URL: server.url },
    cwd: import.meta.dirname,
    timeout: 30_000,
  })
  expect(stdout).toBe('1 row\n')
})

const sleeping = "select from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'"
const endsByItself = `
  import { openSandbox } from 'pg-sandbox'
  import pg from 'pg'
  const sandbox = await openSandbox({ url: process.env.SERVER_URL })
  await sandbox.enter('a test')
  const client = new pg.Client(sandbox.url)
  await client.connect()
  const { rowCount } = await client.query('select from pg_sleep(0.2)')
  console.log(rowCount + ' row')`
