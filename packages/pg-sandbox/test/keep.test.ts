import { randomBytes } from 'node:crypto'
import { Client, Pool } from 'pg'
import postgres from 'postgres'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openSandbox, type Sandbox } from '../src/index.js'
import { column, usePlace } from './support.js'

const schema = `
  create table item (id int primary key, name text, other int references item deferrable initially deferred);
  insert into item values (1, 'of the seed')`
const place = usePlace('')
let sandbox: Sandbox
let pool: Pool
/** Copies of one database: the sandbox is on the first, the others wait. */
let databases: string[] = []

beforeAll(() => place.outside('create database model').then(() => onServer('model', schema)))
beforeEach(async () => {
  databases = []
  await copy()
  await copy()
  sandbox = await openSandbox({ url: urlOf(databases[0]!) })
  pool = new Pool({ connectionString: sandbox.url, max: 3 })
  await sandbox.enter('file')
})
afterEach(async () => {
  await pool.end()
  await sandbox.close()
  for (const database of databases) await place.outside(`drop database ${database}`)
})

async function copy() {
  const database = `copy_${randomBytes(6).toString('hex')}`
  await place.outside(`create database ${database} template model`)
  databases.push(database)
}
const urlOf = (database: string) => place.server.urlFor({ user: 'postgres', database })

/** A statement on the real database, beside the sandbox. */
async function onServer(database: string, sql: string) {
  const client = new Client(urlOf(database))
  await client.connect()
  try {
    const { rows } = await client.query<{ name: unknown }>(sql)
    return rows?.map(({ name }) => name)
  } finally {
    await client.end()
  }
}
const kept = (index = 0) => onServer(databases[index]!, 'select name from item order by id')
const add = (id: number, name: string) => pool.query('insert into item values ($1, $2)', [id, name])
const names = async () => (await pool.query('select name from item order by id')).rows.map(({ name }) => name)
const leaveAndKeep = (index = 1) => sandbox.leave({ keep: urlOf(databases[index]!) })

test('what a test saw is committed, and the next one starts on the other database at the same URL', async () => {
  await sandbox.enter('fails')
  await add(2, 'of the test')
  const { kept: outcome, ...footprint } = await leaveAndKeep()
  expect(outcome).toEqual({ withoutTransactions: [], emptied: [false] })
  expect(footprint).toMatchObject({ scope: 'fails', statements: { INSERT: 1 } })
  expect(await kept()).toEqual(['of the seed', 'of the test'])
  expect(sandbox.sessions).toBe(2)

  await sandbox.enter('the next')
  expect(await names()).toEqual(['of the seed'])
  expect((await pool.query('select current_database()')).rows).toEqual([{ current_database: databases[1] }])
  await add(2, 'of the next')
  await sandbox.leave()
  await copy()
  await sandbox.enter('fails too')
  await add(3, 'of the second')
  expect((await leaveAndKeep(2)).kept).toBeDefined()
  expect(await kept(1)).toEqual(['of the seed', 'of the second'])
  await sandbox.enter('the last')
  expect(await names()).toEqual(['of the seed'])
  await sandbox.leave()
  await sandbox.leave()
  expect(await kept(2)).toEqual(['of the seed'])
})

test('statements that drivers have prepared go on in the next database, and settings stay', async () => {
  const client = await pool.connect()
  const sql = postgres(sandbox.url, { max: 1, onnotice() {} })
  const named = { name: 'names', text: 'select name from item where id = $1', values: [2] }
  const other = () => sql`select name from item where id = ${2}`
  await client.query("set application_name = 'shop'; prepare plan as select 1")
  await sandbox.enter('fails')
  await add(2, 'of the test')
  expect((await client.query(named)).rows).toEqual([{ name: 'of the test' }])
  expect([...(await other())]).toEqual([{ name: 'of the test' }])
  await leaveAndKeep()
  await sandbox.enter('the next')
  expect((await client.query(named)).rows).toEqual([])
  expect([...(await other())]).toEqual([])
  expect(await column(client as unknown as Client, 'show application_name')).toEqual(['shop'])
  await expect(client.query('execute plan')).rejects.toMatchObject({ code: '26000' })
  client.release()
  await sql.end()
})

test('with it goes what the outer scopes wrote, and it is said which have lost something', async () => {
  await add(2, 'of the file')
  await sandbox.enter('a suite')
  await sandbox.enter('an inner suite')
  await add(3, 'of the inner suite')
  await sandbox.enter('fails')
  await add(4, 'of the test')
  expect((await leaveAndKeep()).kept?.emptied).toEqual([true, false, true])
  expect(await kept()).toEqual(['of the seed', 'of the file', 'of the inner suite', 'of the test'])
  await sandbox.enter('the next')
  expect(await names()).toEqual(['of the seed'])
  await add(2, 'of the next')
  await sandbox.leave()
  expect(await names()).toEqual(['of the seed'])
})

test('a test that ran nothing itself has seen what its suite wrote', async () => {
  await add(2, 'of the file')
  await sandbox.enter('fails')
  expect((await leaveAndKeep()).kept).toEqual({ withoutTransactions: [], emptied: [true] })
  expect(await kept()).toEqual(['of the seed', 'of the file'])
})

test('where nothing ran there is nothing to keep', async () => {
  await sandbox.enter('before')
  await names()
  await sandbox.leave()
  await sandbox.enter('fails')
  expect(await leaveAndKeep()).not.toHaveProperty('kept')
  expect(sandbox.sessions).toBe(1)
  await sandbox.leave()
  expect(await leaveNever()).not.toHaveProperty('kept')
})

/** A sandbox that nobody has connected to. */
async function leaveNever() {
  await using silent = await openSandbox({ url: urlOf(databases[0]!) })
  await silent.enter('silent')
  return silent.leave({ keep: urlOf(databases[1]!) })
}

test('a transaction that was left open is kept as its test saw it, and its client is told', async () => {
  await sandbox.enter('fails')
  const client = await pool.connect()
  await client.query('begin')
  await client.query("insert into item values (2, 'not committed')")
  const footprint = await leaveAndKeep()
  expect(footprint).toMatchObject({
    openTransactions: [{ statement: "insert into item values (2, 'not committed')" }],
    kept: { withoutTransactions: [] },
  })
  expect(await kept()).toEqual(['of the seed', 'not committed'])
  await sandbox.enter('the next')
  await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' })
  expect(await column(client as unknown as Client, 'select name from item')).toEqual(['of the seed'])
  client.release()
})

test('one that has failed cannot be kept, which is said, and all else is', async () => {
  await sandbox.enter('fails')
  await add(2, 'of the test')
  const client = await pool.connect()
  await client.query('begin')
  await client.query("insert into item values (3, 'lost')")
  await client.query('select 1 / 0').catch(() => {})
  const { kept: outcome, details } = await sandbox.leave({ keep: urlOf(databases[1]!), detailed: true })
  expect(outcome?.withoutTransactions).toMatchObject([{ statement: 'select 1 / 0' }])
  expect(details?.rowsByTable).toEqual({ 'public.item': 1 })
  expect(await kept()).toEqual(['of the seed', 'of the test'])
  client.release(true)
})

test('rows by table are not told where outer scopes had written', async () => {
  await add(2, 'of the file')
  await sandbox.enter('fails')
  await add(3, 'of the test')
  const { details } = await sandbox.leave({ keep: urlOf(databases[1]!), detailed: true })
  expect(details?.rowsByTable).toBeUndefined()
})

test('a deferred constraint that does not hold is named; nothing is committed, and outer scopes lose nothing', async () => {
  await add(2, 'of the file')
  await sandbox.enter('fails')
  const client = await pool.connect()
  await client.query('begin')
  await client.query("insert into item values (3, 'of nobody', 4)")
  const { kept: outcome } = await leaveAndKeep()
  expect(outcome).toEqual({
    problem:
      'insert or update on table "item" violates foreign key constraint "item_other_fkey" (Key (other)=(4) is not present in table "item".)',
    withoutTransactions: [],
    emptied: [],
  })
  expect(sandbox.sessions).toBe(1)
  await client.query('rollback').catch(() => {})
  client.release()
  await sandbox.enter('the next')
  expect(await names()).toEqual(['of the seed', 'of the file'])
  expect(await kept()).toEqual(['of the seed'])
})

test('a COMMIT that fails ends the session with its reason, and the outermost scope to come has another', async () => {
  await sandbox.enter('fails')
  // PostgreSQL looks at this combination at the very COMMIT, and a sandbox has no other.
  await pool.query('create temp table parent (id int primary key) on commit delete rows')
  await pool.query('create temp table child (id int references parent)')
  await expect(leaveAndKeep()).rejects.toMatchObject({ code: '0A000' })
  await expect(names()).rejects.toThrow('its COMMIT failed: unsupported ON COMMIT')
  expect(sandbox.escaped).toBeUndefined()
  await sandbox.leave()
  await sandbox.enter('the next file')
  expect(await names()).toEqual(['of the seed'])
  expect(await kept()).toEqual(['of the seed'])
})

test('a role without any right but to its tables is enough', async () => {
  const [first, second] = databases as [string, string]
  const role = `app_${first}`
  await place.outside(`create role ${role} login`)
  for (const database of [first, second]) await onServer(database, `grant select, insert on item to ${role}`)
  const own = await openSandbox({ url: place.server.urlFor({ user: role, database: first }) })
  const other = new Pool({ connectionString: own.url })
  await own.enter('fails')
  await other.query("insert into item values (2, 'of the role')")
  expect(await own.leave({ keep: place.server.urlFor({ user: role, database: second }) })).toHaveProperty('kept')
  await own.enter('the next')
  expect((await other.query('select from item')).rowCount).toBe(1)
  expect(await kept()).toEqual(['of the seed', 'of the role'])
  await other.end()
  await own.close()
  for (const database of [first, second]) await onServer(database, `drop owned by ${role}`)
  await place.outside(`drop role ${role}`)
})

test('who waits for its turn meanwhile goes on in the next database', async () => {
  await sandbox.enter('fails')
  const [holder, waiting] = [await pool.connect(), await pool.connect()]
  await holder.query('begin')
  await holder.query("insert into item values (2, 'of the holder')")
  const answer = waiting.query('select from item')
  expect(await leaveAndKeep()).toHaveProperty('kept')
  expect((await answer).rowCount).toBe(1)
  holder.release(true)
  waiting.release()
})

test('a database that cannot be reached: what was to be kept is, and the next scope is told', async () => {
  await sandbox.enter('fails')
  await add(2, 'of the test')
  await expect(sandbox.leave({ keep: urlOf('nowhere') })).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
  expect(await kept()).toEqual(['of the seed', 'of the test'])
  await sandbox.leave()
  await expect(sandbox.enter('the next')).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
})

test('in a thread of its own', async () => {
  await using own = await openSandbox({ url: urlOf(databases[0]!), ownThread: true })
  const client = new Client(own.url)
  await client.connect()
  await own.enter('fails')
  await client.query("insert into item values (2, 'of the test')")
  expect((await own.leave({ keep: urlOf(databases[1]!) })).kept).toEqual({ withoutTransactions: [], emptied: [] })
  await own.enter('the next')
  expect(await column(client, 'select name from item')).toEqual(['of the seed'])
  expect(await kept()).toEqual(['of the seed', 'of the test'])
  await client.end()
})
