import { once } from 'node:events'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { Client, Pool } from 'pg'
import { from, to } from 'pg-copy-streams'
import postgres from 'postgres'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openSandbox, type Sandbox } from '../src/index.js'
import { column, overTcp, usePlace } from './support.js'

const place = usePlace('')
let sandbox: Sandbox
let pool: Pool
const urlOf = (database: string) => place.server.urlFor({ user: 'postgres', database })
const direct = () => Promise.resolve(urlOf('beside'))

beforeAll(async () => {
  await place.outside('create role reader')
  for (const database of ['shared', 'beside', 'third']) {
    await place.outside(`create database ${database}`)
    await onServer(database, 'create table item (id int primary key, name text)')
    await onServer(database, 'grant select on item to reader')
  }
})

/** A statement on a real database, beside the sandbox. */
async function onServer(database: string, sql: string): Promise<unknown[]> {
  const client = new Client(urlOf(database))
  await client.connect()
  try {
    return await column(client, sql)
  } finally {
    await client.end()
  }
}
const inDatabase = (database: string) => onServer(database, 'select name from item order by id')
const add = (id: number, name: string) => pool.query('insert into item values ($1, $2)', [id, name])
const names = async () => (await pool.query('select name from item order by id')).rows.map(({ name }) => name)

describe.each([
  { where: 'in this thread', ownThread: false },
  { where: 'in a thread of its own', ownThread: true },
])('$where', ({ ownThread }) => {
  beforeEach(async () => {
    sandbox = await openSandbox({ url: urlOf('shared'), users: { reader: { role: 'reader' } }, ownThread })
    pool = new Pool({ connectionString: sandbox.url, max: 3 })
    await sandbox.enter('file')
  })
  afterEach(async () => {
    await pool.end()
    await sandbox.close()
    for (const database of ['shared', 'beside', 'third']) await onServer(database, 'truncate item')
  })

  test('what is committed in the scope stays, and nothing of it is in the shared transaction', async () => {
    await sandbox.enter('commits', { direct })
    await add(1, 'committed')
    expect(await inDatabase('beside')).toEqual(['committed'])
    expect(await sandbox.leave()).toMatchObject({ scope: 'commits', statements: { INSERT: 1 }, rows: { INSERT: 1 } })
    expect(sandbox).toMatchObject({ direct: { sent: 2, abandoned: 0, traceless: 0 }, used: false })
    await sandbox.enter('shares')
    expect(await names()).toEqual([])
    await add(2, 'rolled back')
    await sandbox.enter('inside')
    expect(sandbox.used).toBe(true)
    await sandbox.leave()
    await sandbox.leave()
    expect(await inDatabase('shared')).toEqual([])
    expect(await inDatabase('beside')).toEqual(['committed'])
  })

  test('nobody is asked for the database while nothing is sent; an error there is the client’s', async () => {
    let asked = 0
    await sandbox.enter('silent', { direct: () => Promise.reject(new Error(`none for you, ${++asked}`)) })
    await sandbox.leave()
    expect(asked).toBe(0)
    await sandbox.enter('in vain', { direct: () => Promise.reject(new Error(`none for you, ${++asked}`)) })
    await expect(names()).rejects.toThrow('none for you, 1')
    await sandbox.leave()
  })

  test('inner scopes have the same place, another, or none', async () => {
    await sandbox.enter('suite', { direct })
    await sandbox.enter('test')
    await add(1, 'beside')
    await sandbox.enter('step', { direct: () => Promise.resolve(urlOf('third')) })
    await add(1, 'third')
    await sandbox.enter('shared', { direct: null })
    await add(1, 'shared')
    expect(await names()).toEqual(['shared'])
    await sandbox.leave()
    expect(await names()).toEqual(['third'])
    await sandbox.leave()
    expect(await names()).toEqual(['beside'])
    await sandbox.leave()
    await sandbox.leave()
    expect([await inDatabase('shared'), await inDatabase('third')]).toEqual([[], ['third']])
  })

  test('sessions are apart: they wait for each other’s locks, and see what is committed', async () => {
    await sandbox.enter('two', { direct })
    await add(1, 'before')
    const [one, two] = [await pool.connect(), await pool.connect()]
    await one.query('begin')
    await one.query("update item set name = 'of one'")
    await two.query("set lock_timeout = '50ms'")
    await expect(two.query("update item set name = 'of two'")).rejects.toMatchObject({ code: '55P03' })
    expect((await two.query('select name from item')).rows).toEqual([{ name: 'before' }])
    await one.query('commit')
    expect((await two.query('select name from item')).rows).toEqual([{ name: 'of one' }])
    one.release()
    two.release()
    await sandbox.leave()
  })

  test('NOTIFY is delivered by the server, from a function too', async () => {
    await sandbox.enter('notifies', { direct })
    const [listener, sender] = [await pool.connect(), await pool.connect()]
    const heard = once(listener, 'notification')
    await listener.query('listen news')
    await sender.query("select pg_notify('news', 'from a function')")
    expect((await heard)[0]).toMatchObject({ channel: 'news', payload: 'from a function' })
    listener.release()
    sender.release()
    await sandbox.leave()
  })

  test('what a client has prepared and set, and listens to, moves along: there and back', async () => {
    const client = await pool.connect()
    const sql = postgres(sandbox.url, { max: 1, onnotice() {} })
    const named = { name: 'names', text: 'select name from item where id = $1', values: [1] }
    const setting = (name: string) => column(client as unknown as Client, `select current_setting('${name}', true)`)
    await client.query("set application_name = 'shop'; listen news")
    await client.query(named)
    await sql`select name from item where id = ${1}`

    await sandbox.enter('there', { direct })
    await add(1, 'there')
    expect((await client.query(named)).rows).toEqual([{ name: 'there' }])
    expect([...(await sql`select name from item where id = ${1}`)]).toEqual([{ name: 'there' }])
    expect(await setting('application_name')).toEqual(['shop'])
    const heard = once(client, 'notification')
    await pool.query("notify news, 'there'")
    expect((await heard)[0]).toMatchObject({ payload: 'there' })
    await client.query("set application_name = 'till'; select set_config('app.tenant', '7', false)")
    const later = { name: 'later', text: 'select count(*)::int as count from item' }
    expect((await client.query(later)).rows).toEqual([{ count: 1 }])
    await sandbox.leave()

    await sandbox.enter('back')
    expect((await client.query(named)).rows).toEqual([])
    expect((await client.query(later)).rows).toEqual([{ count: 0 }])
    expect([...(await sql`select name from item where id = ${1}`)]).toEqual([])
    expect([await setting('application_name'), await setting('app.tenant')]).toEqual([['till'], ['7']])
    await sandbox.leave()
    client.release()
    await sql.end()
  })

  test('a client says at its start what it wants, and RESET goes back to it; a log-in acts as its role', async () => {
    const client = new Client({
      connectionString: sandbox.urlOf('reader'),
      options: '-c statement_timeout=7s -c app.name=a\\ b',
    })
    await sandbox.enter('reads', { direct })
    await client.connect()
    expect(await column(client, 'show statement_timeout')).toEqual(['7s'])
    expect(await column(client, 'show app.name')).toEqual(['a b'])
    await client.query('set statement_timeout = 0; reset statement_timeout')
    expect(await column(client, 'show statement_timeout')).toEqual(['7s'])
    expect(await column(client, 'select current_user')).toEqual(['reader'])
    await expect(client.query("insert into item values (1, 'no')")).rejects.toMatchObject({ code: '42501' })
    await sandbox.leave()
    await client.end()
  })

  test('a transaction that is left open is rolled back, named, and its client is told; the connection lives on', async () => {
    await sandbox.enter('leaves open', { direct })
    const client = await pool.connect()
    await client.query('begin')
    await client.query("insert into item values (1, 'lost')")
    expect(await sandbox.leave()).toMatchObject({
      openTransactions: [{ statement: "insert into item values (1, 'lost')" }],
    })
    expect(await inDatabase('beside')).toEqual([])
    await sandbox.enter('next', { direct })
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' })
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    client.release()
    await sandbox.leave()
  })

  test('a statement that still runs is cancelled and named; session locks are given back and named', async () => {
    await sandbox.close()
    sandbox = await openSandbox({ url: urlOf('shared'), ownThread, stragglerTimeout: 20 })
    await pool.end()
    pool = new Pool({ connectionString: sandbox.url })
    await sandbox.enter('file')
    await sandbox.enter('forgets', { direct })
    // A pool hangs up a client that has had an error.
    const holder = await pool.connect()
    await holder.query('select pg_advisory_lock(7)')
    const slow = pool.query('select pg_sleep(60)').catch((error: unknown) => error)
    await expect
      .poll(() => onServer('beside', "select count(*)::int from pg_stat_activity where query ~ '^select pg_sleep'"))
      .toEqual([1])
    expect(await sandbox.leave()).toMatchObject({
      inFlight: [{ statement: 'select pg_sleep(60)', cancelled: true }],
      advisoryLocks: [{ statement: 'select pg_advisory_lock(7)' }],
    })
    expect(await slow).toMatchObject({ code: '57014' })
    expect(await onServer('beside', "select count(*)::int from pg_locks where locktype = 'advisory'")).toEqual([0])
    holder.release()
  })

  test('locks that a prepared statement takes are given back, whenever it was prepared', async () => {
    const client = await pool.connect()
    const lock = { name: 'lock', text: 'select pg_advisory_lock($1)', values: [7] }
    const another = { ...lock, name: 'another', values: [8] }
    const held = () => onServer('beside', "select objid::int from pg_locks where locktype = 'advisory'")
    await client.query(lock)
    for (const scope of ['that it moves to', 'later', 'still later']) {
      await sandbox.enter(scope, { direct })
      await client.query('select 1')
      await client.query(lock)
      if (scope !== 'that it moves to') await client.query(another)
      expect((await held()).length, scope).toBeGreaterThan(0)
      expect((await sandbox.leave()).advisoryLocks, scope).toHaveLength(1)
      expect(await held(), scope).toEqual([])
    }
    client.release()
  })

  test('it counts what leaves no row and may have moved a sequence, and the sessions that end in the middle of something', async () => {
    const client = await pool.connect()
    client.on('error', () => {})
    /** What a scope with these statements adds to both. */
    const counted = async (...statements: string[]) => {
      const { traceless, abandoned } = sandbox.direct
      await sandbox.enter('counts', { direct })
      for (const statement of statements) await client.query(statement).catch(() => {})
      await sandbox.leave()
      return { traceless: sandbox.direct.traceless - traceless, abandoned: sandbox.direct.abandoned - abandoned }
    }
    expect(await counted('begin', "insert into item values (1, 'x')", 'commit', 'select 1', '')).toEqual(none)
    expect(await counted("insert into item values (2, 'x'), (2, 'y')"), 'a failure').toEqual({ ...none, traceless: 1 })
    expect(await counted('begin', 'savepoint s', 'rollback to s', 'commit')).toEqual({ ...none, traceless: 1 })
    expect(await counted('begin', 'select 1/0', 'commit'), 'a COMMIT that is none').toEqual({ ...none, traceless: 2 })
    expect(await counted('begin', "insert into item values (3, 'x')"), 'left open').toEqual({ ...none, traceless: 1 })
    // The first of these hears that its transaction is gone.
    expect(await counted('rollback', "select 'nextval'", 'select 1'), 'from there on').toEqual({
      ...none,
      traceless: 2,
    })

    await sandbox.enter('hangs up', { direct })
    await client.query('begin')
    client.release(true)
    const busy = "select count(*)::int from pg_stat_activity where datname = 'beside' and state <> 'active'"
    await expect.poll(() => onServer('beside', busy)).toEqual([0])
    await sandbox.leave()
    expect(sandbox.direct.abandoned).toBe(1)
  })
  const none = { traceless: 0, abandoned: 0 }

  test('a function that is called by a message counts as sent, and what it locks is given back', async () => {
    const client = await pool.connect()
    await sandbox.enter('calls', { direct })
    const [lock] = await onServer('beside', "select 'pg_advisory_lock(bigint)'::regprocedure::oid::int")
    await client.query('select 1')
    await sandbox.enter('by number')
    const { sent } = sandbox.direct
    client.on('error', () => {})
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
    // pg knows no such answers.
    stream.removeAllListeners('data').resume()
    stream.write(functionCall(Number(lock), 7n))
    await expect
      .poll(() => onServer('beside', "select objid::int from pg_locks where locktype = 'advisory'"))
      .toEqual([7])
    expect((await sandbox.leave()).advisoryLocks).toHaveLength(1)
    expect(sandbox.direct.sent).toBe(sent + 1)
    expect(await onServer('beside', "select count(*)::int from pg_locks where locktype = 'advisory'")).toEqual([0])
    await sandbox.leave()
    client.release(true)
  })

  test('a session that a test ends is ended for its client', async () => {
    await sandbox.enter('ends one', { direct })
    const client = await pool.connect()
    const told = new Promise(resolve => client.on('error', resolve))
    const [pid] = await column(client as unknown as Client, 'select pg_backend_pid()')
    await pool.query('select pg_terminate_backend($1)', [pid])
    expect(await told).toMatchObject({ code: '57P01' })
    client.release(true)
    expect(await names()).toEqual([])
    await sandbox.leave()
  })

  test('disconnect() lets go of the database, and clients go on with another session', async () => {
    let url = urlOf('beside')
    await sandbox.enter('first', { direct: () => Promise.resolve(url) })
    const client = await pool.connect()
    await client.query("set application_name = 'shop'")
    await sandbox.leave()
    await sandbox.disconnect()
    expect(
      await onServer(
        'beside',
        "select count(*)::int from pg_stat_activity where datname = 'beside' and pid <> pg_backend_pid()",
      ),
    ).toEqual([0])
    url = urlOf('third')
    await sandbox.enter('second', { direct: () => Promise.resolve(url) })
    expect(await column(client as unknown as Client, 'select current_database()')).toEqual(['third'])
    expect(await column(client as unknown as Client, 'show application_name')).toEqual(['shop'])
    client.release()
    await sandbox.leave()
  })

  test('COPY goes both ways, also over TCP', async () => {
    const client = new Client(overTcp(sandbox))
    await client.connect()
    await sandbox.enter('copies', { direct })
    const lines = Array.from({ length: 5_000 }, (_, id) => `${id}\tname ${id}\n`)
    await pipeline(Readable.from(lines), client.query(from('copy item from stdin')))
    expect(await column(client, 'select count(*)::int from item')).toEqual([5_000])
    let copied = ''
    for await (const chunk of client.query(to('copy item to stdout'))) copied += String(chunk)
    expect(copied).toBe(lines.join(''))
    await expect(
      pipeline(Readable.from(['not a number\tx\n']), client.query(from('copy item from stdin'))),
    ).rejects.toThrow('invalid input syntax')
    expect(await column(client, 'select 1')).toEqual([1])
    await sandbox.leave()
    await client.end()
  })

  test('a client’s CancelRequest reaches its own session', async () => {
    const client = new Client(sandbox.url)
    await client.connect()
    await sandbox.enter('cancels', { direct })
    const slow = client.query('select pg_sleep(60)').catch((error: unknown) => error)
    await expect
      .poll(() => onServer('beside', "select count(*)::int from pg_stat_activity where query = 'select pg_sleep(60)'"))
      .toEqual([1])
    const { port } = new URL(sandbox.url)
    const canceller = new Client(sandbox.url) as unknown as {
      connection: {
        connect(port: number, host: string): void
        on(event: string, listener: () => void): void
        cancel(pid: number, key: number): void
      }
    }
    canceller.connection.on('connect', () => {
      const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
      canceller.connection.cancel(processID, secretKey)
    })
    canceller.connection.connect(Number(port), '127.0.0.1')
    expect(await slow).toMatchObject({ code: '57014' })
    await sandbox.leave()
    await client.end()
  })
})

/** FunctionCall: one bigint in binary form. */
function functionCall(oid: number, argument: bigint): Buffer {
  const bytes = Buffer.alloc(29)
  bytes.write('F')
  bytes.writeInt32BE(28, 1)
  bytes.writeInt32BE(oid, 5)
  bytes.writeInt16BE(1, 9)
  bytes.writeInt16BE(1, 11)
  bytes.writeInt16BE(1, 13)
  bytes.writeInt32BE(8, 15)
  bytes.writeBigInt64BE(argument, 19)
  bytes.writeInt16BE(1, 27)
  return bytes
}
