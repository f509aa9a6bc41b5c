import { openWayOut, wayOut } from '@seedbed/postgres-for-tests/way-out'
import { expect, onTestFinished, test } from 'vitest'
import { column, usePlace } from './support.js'

const place = usePlace('create table item (id serial, name text); create role clerk; grant clerk to postgres', {
  users: { clerk: { role: 'clerk' } },
})

const nextId = async (client: Parameters<typeof column>[0]) =>
  column(client, "insert into item (name) values ('x') returning id")
const setBack = () => place.sandbox.maintain(query => query("select setval('item_id_seq', $1, false)", ['1']))

test('sets sequences back, between scopes and within', async () => {
  const client = await place.connect()
  await place.sandbox.enter('inner')
  expect([await nextId(client), await nextId(client)]).toEqual([[1], [2]])
  await place.sandbox.leave()
  await setBack()
  expect(await nextId(client)).toEqual([1])
  await setBack()
  expect(await nextId(client)).toEqual([1])
  expect(await column(client, 'select count(*)::int from item')).toEqual([2])
  await place.sandbox.leave()
  await setBack()
  await place.sandbox.enter('the next')
  expect(await nextId(client)).toEqual([1])
})

test('leaves nothing else, and answers with rows as texts', async () => {
  const { sandbox } = place
  const client = await place.connect()
  await client.query("insert into item (name) values ('kept')")
  await sandbox.maintain(async query => {
    await query('delete from item')
    expect(await query('select count(*), $1::text, null from item', ['a'])).toEqual([['0', 'a', null]])
    await query("set application_name = 'nobody'")
  })
  expect(await column(client, 'select name from item')).toEqual(['kept'])
  expect(await column(client, 'show application_name')).toEqual([''])
})

test('runs as the role of the URL, whichever role the last client had', async () => {
  const clerk = await place.connect({ user: 'clerk' })
  expect(await column(clerk, 'select current_user')).toEqual(['clerk'])
  await place.sandbox.maintain(async query => expect(await query('select current_user')).toEqual([['postgres']]))
  expect(await column(clerk, 'select current_user')).toEqual(['clerk'])
})

test('an error of the server is the caller’s, and the scope goes on', async () => {
  const client = await place.connect()
  await client.query("insert into item (name) values ('kept')")
  await expect(place.sandbox.maintain(query => query('select nonsense'))).rejects.toMatchObject({ code: '42703' })
  expect(await column(client, 'select name from item')).toEqual(['kept'])
})

test('connects where nobody has, and again where the session was lost', async () => {
  const { sandbox } = place
  await setBack()
  expect(sandbox.sessions).toBe(1)
  const client = await place.connect()
  await client.query('select pg_terminate_backend(pg_backend_pid())').catch(() => {})
  await sandbox.leave()
  await setBack()
  expect(sandbox.sessions).toBe(2)
})

test('a statement that finds a way out of the transaction is the last one', async () => {
  const { sandbox } = place
  const client = await place.connect()
  onTestFinished(openWayOut())
  await expect(client.query(wayOut)).rejects.toMatchObject({ message: /has ended/ as unknown })
  expect(sandbox.escaped).toMatch(/ended the shared transaction: select 'a way out'/)
  await sandbox.leave()
  await expect(sandbox.enter('the next')).rejects.toMatchObject({ code: 'ESCAPED' })
  await expect(setBack()).rejects.toMatchObject({ code: 'ESCAPED' })
})

test('a server that commits where it was to roll back is given up', async () => {
  const { sandbox } = place
  await nextId(await place.connect())
  onTestFinished(openWayOut('ROLLBACK AND CHAIN'))
  await sandbox.leave()
  await expect.poll(() => sandbox.escaped).toBe('there is no transaction behind ROLLBACK AND CHAIN')
  await expect(sandbox.enter('the next')).rejects.toMatchObject({ code: 'ESCAPED' })
  await place.outside('truncate item')
})

test('leaving waits for no answer of the server, and what comes next is answered behind it', async () => {
  const { sandbox } = place
  const client = await place.connect()
  const [server] = (await column(client, 'select pg_backend_pid()')) as [number]
  await nextId(client)
  process.kill(server, 'SIGSTOP')
  let rows: Promise<unknown[]>
  try {
    await sandbox.leave()
    await sandbox.enter('the next')
    rows = column(client, 'select * from item')
  } finally {
    process.kill(server, 'SIGCONT')
  }
  expect(await rows).toEqual([])
})
