import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { bind, close, describe, execute, flush, parse, sync } from './requests.js'
import { connectWire } from './wire-client.js'

let server: PostgresForTests
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

test('a simple query: everything that came, in its order', async () => {
  await using client = await connectWire({ url: server.url, settings: { application_name: 'wire' } })
  expect(client.parameters.get('application_name')).toBe('wire')
  expect(await client.query("begin; begin; select 1 as one, null as none; select 'é'; selec")).toMatchObject([
    { type: 'error', severity: 'ERROR', code: '42601', position: '58' },
    { type: 'ready', status: 'I' },
  ])
  expect(
    await client.query('begin; begin; select 1 as one, null as none; set application_name = x; select 1/0'),
  ).toEqual([
    { type: 'complete', tag: 'BEGIN' },
    { type: 'notice', severity: 'WARNING', code: '25001', message: 'there is already a transaction in progress' },
    { type: 'complete', tag: 'BEGIN' },
    { type: 'columns', names: ['one', 'none'] },
    { type: 'row', values: ['1', null] },
    { type: 'complete', tag: 'SELECT 1' },
    { type: 'complete', tag: 'SET' },
    { type: 'error', severity: 'ERROR', code: '22012', message: 'division by zero' },
    { type: 'ready', status: 'E' },
  ])
  expect(await client.query('rollback; set application_name = y')).toContainEqual({
    type: 'parameter',
    name: 'application_name',
    value: 'y',
  })
})

test('the extended protocol: names, portions, and a Flush in place of a Sync', async () => {
  await using client = await connectWire({ url: server.url })
  client.send(parse('select n from generate_series(1, $1) n', 's'), describe('statement', 's'), flush)
  expect(await client.receive('columns')).toEqual([
    { type: 'parsed' },
    { type: 'parameterTypes', oids: [23] },
    { type: 'columns', names: ['n'] },
  ])
  const portal = 'p'
  expect(
    await client.exchange(
      bind(['2'], { portal, statement: 's' }),
      describe('portal', portal),
      execute({ portal, rows: 1 }),
      execute({ portal }),
      close('portal', portal),
      parse(''),
      bind(),
      execute(),
      sync,
    ),
  ).toEqual([
    { type: 'bound' },
    { type: 'columns', names: ['n'] },
    { type: 'row', values: ['1'] },
    { type: 'suspended' },
    { type: 'row', values: ['2'] },
    { type: 'complete', tag: 'SELECT 1' },
    { type: 'closed' },
    { type: 'parsed' },
    { type: 'bound' },
    { type: 'emptyQuery' },
    { type: 'ready', status: 'I' },
  ])
})

test('COPY in and out', async () => {
  await using client = await connectWire({ url: server.url })
  await client.query('create temp table t (a int, b text)')
  client.send({ send: 'query', text: 'copy t from stdin' })
  expect(await client.receive('copyIn')).toEqual([{ type: 'copyIn' }])
  client.send({ send: 'copyData', text: '1\tone\n' }, { send: 'copyData', text: '2\ttwo\n' }, { send: 'copyDone' })
  expect(await client.receive()).toEqual([
    { type: 'complete', tag: 'COPY 2' },
    { type: 'ready', status: 'I' },
  ])
  expect(await client.query('copy t to stdout')).toEqual([
    { type: 'copyOut' },
    { type: 'copyData', text: '1\tone\n' },
    { type: 'copyData', text: '2\ttwo\n' },
    { type: 'copyDone' },
    { type: 'complete', tag: 'COPY 2' },
    { type: 'ready', status: 'I' },
  ])
})

test('a log-in that is refused, silence, and a server that hangs up', async () => {
  await expect(connectWire({ url: server.urlFor({ database: 'nowhere' }) })).rejects.toMatchObject({ code: '3D000' })
  const client = await connectWire({ url: server.url, timeout: 1_000 })
  await client.query('select 1')
  client.send(parse('select 1'))
  await expect(client.receive('parsed')).rejects.toThrow('nothing came for 1000 ms')
  client.send({ send: 'query', text: `select pg_terminate_backend(${client.processId})` })
  await expect(client.receive()).rejects.toMatchObject({
    replies: expect.arrayContaining([
      { type: 'parsed' },
      expect.objectContaining({ severity: 'FATAL', code: '57P01' }),
    ]),
  })
  await client.ended
})
