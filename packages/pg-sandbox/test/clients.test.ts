import { connect } from 'node:net'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Pool } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { expect, test } from 'vitest'
import { openSandbox } from '../src/index.js'
import { column, usePlace } from './support.js'

const place = usePlace(
  `create table item (id int primary key, name text); create table wide (id int, text text);
   create role reader; grant usage on schema public to reader; grant select on item to reader`,
  { turnTimeout: 300, users: { auditor: { role: 'reader' }, app: {} } },
)

test('a client waits for the transaction of another, and goes on when it ends', async () => {
  const [one, other] = [await place.connect(), await place.connect()]
  await one.query('begin')
  await one.query("insert into item values (1, 'first')")
  const waiting = column(other, 'select name from item')
  await one.query("update item set name = 'second'")
  await one.query('commit')
  expect(await waiting).toEqual(['second'])
})

test('who waits for a transaction that is idle is told by whom and by what, and the transaction goes on', async () => {
  const [one, other] = [
    await place.connect({ application_name: 'outer' }),
    await place.connect({ application_name: 'inner' }),
  ]
  await one.query('begin')
  await one.query("insert into item values (1, 'held')")
  await expect(other.query("update item set name = 'x'")).rejects.toMatchObject({
    code: '55P03',
    message: expect.stringMatching(
      /^client \d+ \(inner, opened at test\/support\.ts:\d+:\d+\) has waited 300 ms for client \d+ \(outer, /,
    ) as string,
    detail:
      "Waiting: update item set name = 'x'\nThe open transaction's last statement: insert into item values (1, 'held')",
    hint: expect.stringContaining('end the transaction first') as string,
  })
  await one.query('commit')
  expect(await column(other, 'select name from item')).toEqual(['held'])
})

test('a transaction that has only begun is in nobody’s way', async () => {
  const [one, other] = [await place.connect(), await place.connect()]
  await one.query('begin')
  await other.query("insert into item values (1, 'meanwhile')")
  expect(await column(one, 'select name from item')).toEqual(['meanwhile'])
  await one.query('commit')
})

test('a client that vanishes in its transaction takes it along, and gives the turn on', async () => {
  const [one, other] = [await place.connect(), await place.connect()]
  await one.query('begin')
  await one.query("insert into item values (1, 'gone')")
  const waiting = column(other, 'select name from item')
  ;(one as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
  expect(await waiting).toEqual([])
})

test('no listeners stay behind, of many a COPY that is more than fits at once, or of a pool’s many a query', async () => {
  const warnings: string[] = []
  const warned = ({ message }: Error) => warnings.push(message)
  process.on('warning', warned)
  const client = await place.connect()
  const line = Buffer.from(`1\t${'x'.repeat(100_000)}\n`)
  for (let time = 0; time < 15; time++) {
    await pipeline(Readable.from(Array(20).fill(line)), client.query(copyFrom('copy wide from stdin')))
  }
  const pool = new Pool({ connectionString: place.sandbox.url, max: 1 })
  for (let time = 0; time < 15; time++) {
    expect((await pool.query('select count(*)::int as lines from wide')).rows).toEqual([{ lines: 300 }])
  }
  await pool.end()
  process.off('warning', warned)
  expect(warnings).toEqual([])
})

test('prepared statements are a client’s own, named and unnamed', async () => {
  const [one, other] = [await place.connect(), await place.connect()]
  const named = (value: number) => ({ name: 'same', text: `select $1::int + ${value} as sum`, values: [1] })
  expect((await one.query(named(1))).rows).toEqual([{ sum: 2 }])
  expect((await other.query(named(10))).rows).toEqual([{ sum: 11 }])
  expect((await one.query(named(1))).rows).toEqual([{ sum: 2 }])
  await one.query('prepare plan as select 1 as one')
  await other.query('prepare plan as select 2 as two')
  await one.query('deallocate all')
  expect((await other.query('execute plan')).rows).toEqual([{ two: 2 }])
  expect((await other.query(named(10))).rows).toEqual([{ sum: 11 }])
  await expect(one.query('execute plan')).rejects.toMatchObject({
    code: '26000',
    message: 'prepared statement "plan" does not exist',
  })
})

test('settings are a client’s own, those of its start-up too, and outlive the scope', async () => {
  const [one, other] = [
    await place.connect({ application_name: 'one', options: '-c search_path=pg_catalog -c my.flag=up' }),
    await place.connect(),
  ]
  const show = async (name: string) => [await column(one, `show ${name}`), await column(other, `show ${name}`)].flat()
  expect(await show('application_name')).toEqual(['one', ''])
  expect(await show('search_path')).toEqual(['pg_catalog', '"$user", public'])
  await other.query("set time zone 'Asia/Tokyo'")
  await one.query('begin')
  await one.query("set datestyle = 'german'")
  await one.query('rollback')
  await place.sandbox.leave()
  await place.sandbox.enter('the next')
  expect(await show('timezone')).toEqual([expect.not.stringMatching('Tokyo'), 'Asia/Tokyo'])
  expect(await show('datestyle')).toEqual(['ISO, MDY', 'ISO, MDY'])
  await other.query('reset all')
  expect(await column(one, 'show my.flag')).toEqual(['up'])
})

test.each([
  ['SET LOCAL', "set local app.tenant = 'ada'", undefined],
  ['set_config', "select set_config('app.tenant', 'ada', true)", undefined],
  ['set_config with parameters', 'select set_config($1, $2, $3)', ['app.tenant', 'ada', true]],
])('%s lasts to the end of the transaction', async (_, text, values) => {
  const client = await place.connect()
  await client.query("set app.tenant = 'nobody'")
  await client.query('begin')
  await client.query(text, values)
  expect(await column(client, "select current_setting('app.tenant')")).toEqual(['ada'])
  await client.query('commit')
  expect(await column(client, "select current_setting('app.tenant')")).toEqual(['nobody'])
})

test('several log-ins on one endpoint, each with the rights of its role', async () => {
  const [owner, auditor] = [await place.connect(), await place.connect({ user: 'auditor' })]
  await owner.query("insert into item values (1, 'seen')")
  expect(await column(auditor, 'select name from item')).toEqual(['seen'])
  await expect(auditor.query('delete from item')).rejects.toMatchObject({ code: '42501' })
  expect(await column(auditor, 'select current_user::text')).toEqual(['reader'])
  const app = await place.connect({ user: 'app' })
  expect(await column(app, 'select current_user::text')).toEqual(['postgres'])
  expect(await column(owner, 'select current_user::text')).toEqual(['postgres'])
})

test('a wrong password, another database and an unknown user are refused as by a server', async () => {
  const { Client } = await import('pg')
  const refused = async (change: (url: URL) => void) => {
    const url = new URL(place.sandbox.url)
    change(url)
    const client = new Client(url.href)
    client.on('error', () => {})
    return client.connect().catch((error: Error & { code: string }) => [error.code, error.message])
  }
  expect(await refused(url => (url.password = 'wrong'))).toEqual([
    '28P01',
    'password authentication failed for user "postgres"',
  ])
  expect(await refused(url => (url.username = 'mallory'))).toEqual([
    '28P01',
    'password authentication failed for user "mallory"',
  ])
  expect(await refused(url => (url.pathname = '/production'))).toMatchObject([
    '3D000',
    expect.stringContaining('"production"'),
  ])
})

test('a CancelRequest reaches the statement of its client, and only that', async () => {
  const [one, other] = [await place.connect(), await place.connect()]
  const { processID, secretKey } = one as unknown as { processID: number; secretKey: number }
  const sleeping = one.query('select pg_sleep(60)')
  sleeping.catch(() => {})
  const waiting = column(other, 'select 1')
  await expect
    .poll(
      async () =>
        (
          await place.outside(
            "select from pg_stat_activity where state = 'active' and query like '%pg_sleep(60)%' and pid <> pg_backend_pid()",
          )
        ).rowCount,
    )
    .toBe(1)
  const socket = connect(Number(new URL(place.sandbox.url).port), '127.0.0.1')
  const request = Buffer.alloc(16)
  for (const [index, value] of [16, 80_877_102, processID, secretKey].entries()) request.writeInt32BE(value, index * 4)
  socket.end(request)
  socket.resume()
  await once(socket, 'close')
  await expect(sleeping).rejects.toMatchObject({ code: '57014' })
  expect(await waiting).toEqual([1])
  expect(await column(one, 'select 2')).toEqual([2])
})

test('NOTIFY reaches who listens, at the COMMIT', async () => {
  const [one, other] = [await place.connect(), await place.connect()]
  const heard: string[] = []
  other.on('notification', ({ channel, payload }) => heard.push(`${channel}: ${payload}`))
  await other.query('listen news')
  await one.query('begin')
  await one.query("notify news, 'committed'")
  await one.query('commit')
  await one.query('begin')
  await one.query("notify news, 'rolled back'")
  await one.query('rollback')
  await one.query("notify other, 'elsewhere'")
  await one.query('notify news')
  await expect.poll(() => heard).toEqual(['news: committed', 'news: '])
})

test('two hundred clients at once', async () => {
  const clients = await Promise.all(Array.from({ length: 200 }, () => place.connect()))
  const answers = await Promise.all(clients.map((client, index) => column(client, 'select $1::int', [index])))
  expect(answers.flat()).toEqual(clients.map((_, index) => index))
})

test('a server that ends the session fails the test once, and the next scope starts on another', async () => {
  const client = await place.connect()
  await client.query("insert into item values (1, 'lost')")
  await place.outside(
    "select pg_terminate_backend(pid, 10000) from pg_stat_activity where state = 'idle in transaction'",
  )
  await expect(client.query('select 1')).rejects.toMatchObject({
    message: expect.stringMatching(
      /session on the server has ended: (?:terminating connection.*|the server closed the connection) \(SESSION_LOST\)$/,
    ) as string,
    hint: expect.stringMatching(/The next test starts on a new session/) as string,
  })
  await place.sandbox.leave()
  await place.sandbox.enter('the next')
  expect(await column(client, 'select name from item')).toEqual([])
})

test('time limits of the role do not end the session', async () => {
  await place.outside(
    'create role limited login superuser; alter role limited set idle_in_transaction_session_timeout = 50; alter role limited set transaction_timeout = 50',
  )
  await using sandbox = await openSandbox({ url: place.server.urlFor({ user: 'limited' }) })
  await sandbox.enter('slow')
  const { Client } = await import('pg')
  const client = new Client(sandbox.url)
  await client.connect()
  expect(await column(client, 'select pg_sleep(0.2)::text')).toEqual([''])
  await client.end()
})
