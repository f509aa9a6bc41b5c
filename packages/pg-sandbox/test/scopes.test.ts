import Cursor from 'pg-cursor'
import { expect, test } from 'vitest'
import { column, usePlace } from './support.js'

const place = usePlace(
  'create table item (id int primary key, name text, other int references item deferrable initially deferred)',
)

test('what clients commit is seen by all of them, gone after the scope, and never there for others', async () => {
  const { sandbox } = place
  const [one, other] = [await place.connect(), await place.connect()]
  await one.query('begin')
  await one.query("insert into item values (1, 'Ada')")
  await one.query('commit')
  expect(await column(other, 'select name from item')).toEqual(['Ada'])
  expect((await place.outside('select from item')).rowCount).toBe(0)
  await sandbox.leave()
  await sandbox.enter('the next')
  expect(await column(other, 'select name from item')).toEqual([])
})

test('scopes nest: an inner one leaves what an outer one wrote', async () => {
  const { sandbox } = place
  const client = await place.connect()
  await client.query("insert into item values (1, 'of the file')")
  for (const round of ['first', 'second']) {
    await sandbox.enter(round)
    await client.query('insert into item values (2, $1)', [round])
    await sandbox.enter('deeper')
    await client.query('delete from item')
    await sandbox.leave()
    expect(await column(client, 'select name from item order by id')).toEqual(['of the file', round])
    await sandbox.leave()
    expect(await column(client, 'select name from item')).toEqual(['of the file'])
  }
})

test('what a client SETs stays; where it has asked for that, it goes with its scope', async () => {
  const { sandbox } = place
  await place.outside('create role reader')
  await place.outside('grant reader to current_user')
  const own = await place.connect({ options: '-c pg_sandbox.settings=scope -c work_mem=5MB' })
  const pooled = await place.connect()
  const sets = [
    'set role reader',
    'set work_mem = 1024',
    "select set_config('app.tenant', 'b', false)",
    'set session characteristics as transaction read only',
  ]
  const look = (client: typeof own) =>
    column(
      client,
      `select concat_ws(' ', current_user = 'reader', current_setting('work_mem'), nullif(current_setting('app.tenant', true), ''),
         current_setting('default_transaction_read_only'))`,
    )
  expect(await look(own)).toEqual(['f 5MB off'])
  await own.query("set app.tenant = 'a'")
  await sandbox.enter('first')
  for (const client of [own, pooled]) {
    for (const sql of sets) await client.query(sql)
    expect(await look(client)).toEqual(['t 1MB b on'])
  }
  await sandbox.leave()
  await sandbox.enter('second')
  expect(await look(own)).toEqual(['f 5MB a off'])
  expect(await look(pooled)).toEqual(['t 1MB b on'])
  await own.query("insert into item values (1, 'is allowed')")
  await sandbox.leave()
  await sandbox.leave()
  await sandbox.enter('another file')
  expect(await look(own)).toEqual(['f 5MB off'])
})

test('the footprint tells what happened', async () => {
  const { sandbox } = place
  const client = await place.connect({ application_name: 'shop' })
  await client.query("insert into item values (1, 'a'), (2, 'b')")
  await client.query('select * from item')
  await client.query('delete from item where id = 3')
  await client.query('selec').catch(() => {})
  await client.query('begin')
  await client.query('update item set name = name')
  const footprint = await sandbox.leave()
  expect(footprint).toMatchObject({
    scope: 'a test',
    statements: { INSERT: 1, SELECT: 1, DELETE: 1, UPDATE: 1 },
    rows: { INSERT: 2, SELECT: 2, DELETE: 0, UPDATE: 2 },
    failed: 1,
    clients: [expect.stringMatching(/^client \d+ \(shop, opened at test\/support\.ts:\d+:\d+\)$/)],
    openTransactions: [{ statement: 'update item set name = name' }],
    inFlight: [],
  })
})

test('the footprint tells how long the server worked, in inner scopes too', async () => {
  const { sandbox } = place
  const client = await place.connect()
  await client.query('select pg_sleep(0.05)')
  await sandbox.enter('an inner one')
  await client.query('begin')
  await client.query('select pg_sleep(0.1)')
  const inner = await sandbox.leave()
  expect(inner.milliseconds).toBeGreaterThan(100)
  const outer = await sandbox.leave()
  expect(outer.milliseconds).toBeGreaterThan(inner.milliseconds + 50)
})

test('the footprint names transactions in whose midst a client hung up', async () => {
  const { sandbox } = place
  const client = await place.connect()
  await client.query('begin')
  await client.query("insert into item values (1, 'lost')")
  await client.end()
  const idle = await place.connect()
  await idle.query('begin; commit')
  await idle.end()
  // It has its turn after the one that is gone.
  expect(await column(await place.connect(), 'select name from item')).toEqual([])
  expect(await sandbox.leave()).toMatchObject({
    openTransactions: [],
    hungUp: [{ statement: "insert into item values (1, 'lost')" }],
  })
})

test('a transaction that outlives its scope is gone, and its client is told once', async () => {
  const { sandbox } = place
  const client = await place.connect()
  await client.query('begin')
  await client.query("insert into item values (1, 'lost')")
  await sandbox.leave()
  await sandbox.enter('the next')
  await expect(client.query('select 1')).rejects.toMatchObject({
    code: '25P02',
    message: expect.stringMatching(
      /rolled back when "a test" ended; its last statement was: insert into item/,
    ) as string,
  })
  expect(await column(client, 'select name from item')).toEqual([])
})

test('a cursor that is left open in the middle ends with its scope', async () => {
  const { sandbox } = place
  const client = await place.connect()
  await client.query(new Cursor('select generate_series(1, 5)')).read(2)
  expect(await sandbox.leave()).toMatchObject({ openTransactions: [{ statement: 'select generate_series(1, 5)' }] })
  await sandbox.enter('the next')
  expect(await column(await place.connect(), 'select 1')).toEqual([1])
})

test('a transaction may span scopes that are entered within it', async () => {
  const { sandbox } = place
  const client = await place.connect()
  await client.query('begin')
  await client.query("insert into item values (1, 'before')")
  await sandbox.enter('inner')
  await client.query("insert into item values (2, 'within')")
  await client.query('commit')
  expect(await column(client, 'select count(*)::int from item')).toEqual([2])
  await sandbox.leave()
  expect(await column(client, 'select name from item')).toEqual(['before'])
})

test('outside of every scope statements are refused, and a connection is not', async () => {
  const { sandbox } = place
  await sandbox.leave()
  const client = await place.connect()
  await expect(client.query('select 1')).rejects.toMatchObject({ code: '55000' })
  await expect(client.query('select $1::int', [1])).rejects.toMatchObject({ code: '55000' })
  await sandbox.enter('later')
  expect(await column(client, 'select 1')).toEqual([1])
  await expect(sandbox.leave().then(() => sandbox.leave())).rejects.toMatchObject({ code: 'NO_SCOPE' })
})

test('a statement that nobody waited for is cancelled when its scope ends', async () => {
  const { sandbox } = place
  const client = await place.connect()
  const forgotten = client.query('select pg_sleep(60)')
  forgotten.catch(() => {})
  await expect
    .poll(
      async () =>
        (
          await place.outside(
            "select from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()",
          )
        ).rowCount,
    )
    .toBe(1)
  const footprint = await sandbox.leave()
  expect(footprint.inFlight).toMatchObject([{ statement: 'select pg_sleep(60)', cancelled: true }])
  await expect(forgotten).rejects.toMatchObject({ code: '57014' })
})

test('advisory locks of a session end with the scope', async () => {
  const { sandbox } = place
  const client = await place.connect()
  await client.query('select pg_advisory_lock(42)')
  await client.query('select pg_advisory_lock($1)', [43])
  await client.query({ name: 'third', text: 'select pg_advisory_lock($1)', values: [44] })
  expect((await place.outside('select pg_try_advisory_lock(42) as got')).rows).toEqual([{ got: false }])
  await sandbox.leave()
  for (const key of [42, 43, 44]) {
    const { rows } = await place.outside(`select pg_try_advisory_lock(${key}) as got, pg_advisory_unlock(${key})`)
    expect(rows[0], String(key)).toMatchObject({ got: true })
  }
})

test('what a scope has locked is free once it has ended, though nothing more is sent', async () => {
  const { sandbox } = place
  const client = await place.connect()
  for (const around of ['nothing', 'a write']) {
    if (around !== 'nothing') await client.query("insert into item values (1, 'of the scope around')")
    await sandbox.enter(around)
    await client.query('begin; lock table item; commit')
    await sandbox.leave()
    // It waits for as long as the lock is there.
    expect((await place.outside('select * from item')).rows).toEqual([])
  }
})

test('now() is no older than the test, where no outer scope has written', async () => {
  const { sandbox } = place
  const client = await place.connect()
  const times: Date[] = []
  for (const round of ['one', 'two']) {
    await sandbox.enter(round)
    const started = (await place.outside('select clock_timestamp() as at')).rows[0] as { at: Date }
    times.push((await client.query<{ now: Date }>('select now()')).rows[0]!.now)
    expect(times.at(-1)!.getTime()).toBeGreaterThanOrEqual(started.at.getTime())
    await sandbox.leave()
  }
  expect(times[1]!.getTime()).toBeGreaterThanOrEqual(times[0]!.getTime())
})

test('what a session keeps goes with the scope in which it was made', async () => {
  const client = await place.connect()
  const heard: string[] = []
  client.on('notification', ({ channel }) => heard.push(channel))
  await client.query('prepare outer_one as select 1; listen outer_news')
  await client.query({ name: 'of the driver', text: 'select 1' })
  await place.sandbox.enter('inner')
  await client.query('prepare inner_one as select 1; listen inner_news')
  await client.query('begin; declare held cursor with hold for select 1; commit')
  await client.query('create temp table notes (note text)')
  expect(await column(client, 'execute inner_one')).toEqual([1])
  await place.sandbox.leave()
  await expect(client.query('execute inner_one')).rejects.toMatchObject({ code: '26000' })
  await expect(client.query('fetch held')).rejects.toMatchObject({ code: '34000' })
  await client.query('begin; declare held cursor for select 2; commit')
  await expect(client.query('table notes')).rejects.toMatchObject({ code: '42P01' })
  expect(await column(client, 'execute outer_one')).toEqual([1])
  expect((await client.query({ name: 'of the driver', text: 'select 1' })).rowCount).toBe(1)
  await client.query('notify inner_news; notify outer_news')
  expect(heard).toEqual(['outer_news'])
})

test('details of a footprint: rows by table as a difference, and what asked for the time', async () => {
  const { sandbox } = place
  const client = await place.connect()
  await client.query("insert into item values (1, 'of the scope around')")
  await sandbox.enter('failed')
  await client.query('create table "Odd ""name" (id int)')
  await client.query('insert into "Odd ""name" select generate_series(1, 3)')
  await client.query('delete from item')
  await client.query("begin; insert into item values (2, 'undone'), (3, 'undone'); rollback")
  await client.query('select id from item order by  created_at').catch(() => {})
  await client.query('select now()')
  const { details, statements } = await sandbox.leave({ detailed: true })
  expect(details).toEqual({
    rowsByTable: { 'public."Odd ""name"': 3, 'public.item': -1 },
    timeStatement: 'select id from item order by created_at',
  })
  expect(statements).toMatchObject({ 'CREATE TABLE': 1, DELETE: 1 })
  await sandbox.enter('the next')
  await client.query('select 1')
  expect((await sandbox.leave({ detailed: true })).details).toEqual({ rowsByTable: {}, timeStatement: undefined })
  const { statements: all, details: none } = await sandbox.leave()
  expect(all).toMatchObject({ DELETE: 1, 'CREATE TABLE': 1, INSERT: 3 })
  expect(none).toBeUndefined()
  await sandbox.enter('a test')
})

test('a footprint whose transaction has failed has no counts', async () => {
  const { sandbox } = place
  const client = await place.connect()
  await client.query('begin')
  await client.query('select 1 / 0').catch(() => {})
  const { details, openTransactions } = await sandbox.leave({ detailed: true })
  expect(details).toEqual({ rowsByTable: undefined, timeStatement: undefined })
  expect(openTransactions).toHaveLength(1)
  await sandbox.enter('a test')
})
