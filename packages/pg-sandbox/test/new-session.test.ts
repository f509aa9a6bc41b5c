import { startPostgres } from '@seedbed/postgres-for-tests'
import { Client, type Submittable } from 'pg'
import postgres from 'postgres'
import { expect, test } from 'vitest'
import { openSandbox } from '../src/index.js'
import { column, usePlace } from './support.js'

const place = usePlace('create table item (id int primary key, name text); create schema other')

/** The session ends as if the server had ended it; the next scope has another one. */
async function loseSession() {
  const client = await place.connect()
  await client.query('select pg_terminate_backend(pg_backend_pid())').catch(() => {})
  await place.sandbox.leave()
  await place.sandbox.enter('the next')
  expect(place.sandbox.sessions).toBeGreaterThan(1)
}

test('a statement that a driver has prepared by name works in a new session', async () => {
  const [one, other] = [await place.connect(), await place.connect()]
  const named = (value: number) => ({ name: 'same', text: `select $1::int + ${value} as sum`, values: [1] })
  for (const [client, value] of [[one, 1], [other, 10]] as const) await client.query(named(value)) // prettier-ignore
  for (let round = 1; round <= 2; round++) {
    await loseSession()
    expect((await one.query(named(1))).rows).toEqual([{ sum: 2 }])
    // In a transaction too, where an error would be the end of it.
    await other.query('begin')
    expect((await other.query(named(10))).rows).toEqual([{ sum: 11 }])
    expect((await other.query(named(10))).rows).toEqual([{ sum: 11 }])
    await other.query('commit')
  }
})

test('postgres.js, which describes what it prepares and sends no Parse again, goes on', async () => {
  const sql = postgres(place.sandbox.url, { max: 2, onnotice() {} })
  const add = (id: number) => sql`insert into item values (${id}, ${'x'}) returning id`
  expect(await add(1)).toEqual([{ id: 1 }])
  await loseSession()
  expect(await Promise.all([add(1), add(2), add(3)])).toEqual([[{ id: 1 }], [{ id: 2 }], [{ id: 3 }]])
  await sql.end()
})

test('one that cannot be prepared any more fails as it would on a server, and harms no other', async () => {
  const client = await place.connect()
  await client.query('set search_path = other')
  await client.query('create table passing (name text)')
  const [passing, lasting] = [
    { name: 'passing', text: 'select name from passing' },
    { name: 'lasting', text: 'select name from public.item' },
  ]
  for (const query of [passing, lasting]) expect((await client.query(query)).rows).toEqual([])
  await loseSession()
  await expect(client.query(passing)).rejects.toMatchObject({ code: '42P01' })
  expect((await client.query(lasting)).rows).toEqual([])
  // The client's settings are there first: in `public` there is no such table.
  await client.query('create table passing (name text)')
  expect((await client.query(passing)).rows).toEqual([])
})

test('a name that is taken stays taken', async () => {
  const client = await place.connect()
  await client.query({ name: 'one', text: 'select 1 as one' })
  await loseSession()
  expect(await parse(client, 'one', 'select 2')).toMatchObject({ code: '42P05' })
  expect((await client.query({ name: 'one', text: 'select 1 as one' })).rows).toEqual([{ one: 1 }])
})

/** A Parse and its Sync; what the server says against it. */
function parse(client: Client, name: string, text: string): Promise<Error | undefined> {
  return new Promise(resolve => {
    client.query({
      submit(connection: { parse(statement: object): void; sync(): void }) {
        connection.parse({ name, text })
        connection.sync()
      },
      handleError: (error: Error) => resolve(error),
      handleReadyForQuery: () => resolve(undefined),
    } as unknown as Submittable)
  })
}

test('what SQL has prepared, and cursors and temporary tables, are gone with the session', async () => {
  const client = await place.connect()
  await client.query('prepare plan as select 1; create temp table notes (note text)')
  await client.query('begin; declare held cursor with hold for select 1; commit')
  await loseSession()
  await expect(client.query('execute plan')).rejects.toMatchObject({ code: '26000' })
  await expect(client.query('table notes')).rejects.toMatchObject({ code: '42P01' })
  await expect(client.query('fetch held')).rejects.toMatchObject({ code: '34000' })
  await client.query('prepare plan as select 2; create temp table notes (note text)')
  expect(await column(client, 'execute plan')).toEqual([2])
})

test('a client’s settings are there in a new session, and it is told of those that have changed', async () => {
  const client = new Client(place.sandbox.url)
  client.on('error', () => {})
  const told = new Map<string, string>()
  const { connection } = client as unknown as {
    connection: { on(event: string, listener: (status: Record<string, string>) => void): void }
  }
  connection.on('parameterStatus', ({ parameterName, parameterValue }) => told.set(parameterName!, parameterValue!))
  await client.connect()
  await client.query("set time zone 'Asia/Tokyo'")
  await loseSession()
  expect(await column(client, 'show timezone')).toEqual(['Asia/Tokyo'])
  expect(told.get('TimeZone')).toBe('Asia/Tokyo')
  await client.query("set time zone 'Europe/Oslo'")
  expect(told.get('TimeZone')).toBe('Europe/Oslo')
  await client.end()
})

const endSession = (client: Client) =>
  expect(client.query('select pg_terminate_backend(pg_backend_pid())')).rejects.toMatchObject({ code: '57P01' })

/** It says why, and hangs up. */
const failsAsLost = (client: Client) =>
  expect(client.query('select 1')).rejects.toThrow("The sandbox's session on the server has ended: ")

test('the next test of a file that has used nothing itself starts on a new session', async () => {
  const { sandbox } = place
  await sandbox.leave()
  await sandbox.enter('file')
  const client = await place.connect()
  await sandbox.enter('first')
  await client.query("insert into item values (1, 'first')")
  const other = await place.connect()
  await endSession(client)
  await failsAsLost(client)
  await sandbox.leave()
  await sandbox.enter('second')
  expect(await column(other, 'select count(*)::int from item')).toEqual([0])
  await other.query("insert into item values (1, 'second')")
  await sandbox.leave()
  expect(sandbox.sessions).toBe(2)
})

test('what a file has written is missing in all its tests, which say so, and the next file goes on', async () => {
  const { sandbox } = place
  const [client, other] = [await place.connect(), await place.connect()]
  await client.query("insert into item values (1, 'of the file')")
  await sandbox.enter('first')
  await endSession(client)
  await sandbox.leave()
  await sandbox.enter('second')
  await failsAsLost(other)
  await sandbox.leave()
  await sandbox.leave()
  await sandbox.enter('the next file')
  expect(await column(await place.connect(), 'select count(*)::int from item')).toEqual([0])
})

test('a server that restarts is waited for', async () => {
  await using server = await startPostgres()
  await using sandbox = await openSandbox({ url: server.url })
  const client = new Client(sandbox.url)
  client.on('error', () => {})
  await client.connect()
  await sandbox.enter('file')
  for (const name of ['first', 'second', 'third']) {
    await sandbox.enter(name)
    await client.query('create table item (id int)')
    const restarted = server.crashAndRestart()
    while (await client.query('select 1').catch(() => undefined));
    await sandbox.leave()
    await sandbox.enter('the next')
    await client.query('create table item (id int)')
    await sandbox.leave()
    await restarted
  }
  await client.end()
})

test('one that does not come back is waited for once', async () => {
  const server = await startPostgres()
  await using sandbox = await openSandbox({ url: server.url })
  const client = new Client(sandbox.url)
  client.on('error', () => {})
  await client.connect()
  await sandbox.enter('file')
  await sandbox.enter('test')
  await server.stop()
  await sandbox.leave()
  const away = { code: 'CONNECTION_FAILED', message: expect.stringMatching(/ENOENT|ECONNREFUSED/) as string }
  await expect(sandbox.enter('the first that waits')).rejects.toMatchObject(away)
  const start = performance.now()
  for (let test = 0; test < 20; test++) await expect(sandbox.enter('another')).rejects.toMatchObject(away)
  // It is the waiting that is not repeated: each would take five seconds.
  expect(performance.now() - start).toBeLessThan(20_000)
  await client.end()
})
