import { once } from 'node:events'
import { connect } from 'node:net'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { openEndpoint, type EndpointOptions } from '../src/endpoint.js'
import { openSandbox } from '../src/index.js'
import { column, usePlace } from './support.js'

const place = usePlace('create table item (id int primary key)')
const password = 'of the endpoint'

/** A client of the endpoint; over TCP, or from memory as all of this process that name its address. */
function clientOf({ port }: { port: number }, host: 'localhost' | '127.0.0.1'): Client {
  const { username, pathname } = new URL(place.server.url)
  const client = new Client({ host, port, user: username, database: pathname.slice(1), password })
  client.on('error', () => {})
  return client
}

/** Resolves with the first client. */
async function openWithFirst(options: EndpointOptions = {}) {
  let arrive: (() => void) | undefined
  const first = new Promise<void>(resolve => (arrive = resolve))
  return { endpoint: await openEndpoint({ ...options, onClient: () => arrive?.() }), first }
}

test.each(['localhost', '127.0.0.1'] as const)(
  'a client that connects to %s before there is a sandbox waits for it, and finds the scopes that were entered',
  async host => {
    const { endpoint, first } = await openWithFirst()
    const client = clientOf(endpoint, host)
    const connecting = client.connect()
    await first
    await using sandbox = await openSandbox({ url: place.server.url, password, endpoint })
    await sandbox.enter('a test')
    await connecting
    await client.query('insert into item values (1)')
    expect(sandbox.port).toBe(endpoint.port)
    expect(await column(client, 'select id from item')).toEqual([1])
    expect(await sandbox.leave()).toMatchObject({ scope: 'a test', statements: { INSERT: 1, SELECT: 1 } })
    expect((await place.outside('select from item')).rowCount).toBe(0)
    await client.end()
  },
)

test('is told of clients only until somebody serves them', async () => {
  let told = 0
  const endpoint = await openEndpoint({ onClient: () => (told += 1) })
  const early = [clientOf(endpoint, '127.0.0.1'), clientOf(endpoint, '127.0.0.1')]
  const connecting = early.map(client => client.connect())
  await endpoint.arrivals()
  expect(told).toBe(2)
  await using sandbox = await openSandbox({ url: place.server.url, password, endpoint })
  await Promise.all(connecting)
  const late = clientOf(endpoint, '127.0.0.1')
  await late.connect()
  expect(told).toBe(2)
  expect(sandbox.sessions).toBe(1)
  for (const client of [...early, late]) await client.end()
})

test('what the sandbox’s URL leaves open is taken from the environment as it was when the endpoint was opened', async () => {
  const { hostname, port, pathname } = new URL(place.server.url)
  const before = { PGHOST: process.env.PGHOST, PGPORT: process.env.PGPORT }
  Object.assign(process.env, { PGHOST: decodeURIComponent(hostname), PGPORT: port })
  try {
    const { endpoint } = await openWithFirst()
    // As a worker does it, so that its application connects to the sandbox.
    Object.assign(process.env, { PGHOST: '127.0.0.1', PGPORT: String(endpoint.port) })
    const { username, password: ofServer } = new URL(place.server.url)
    const url = `postgresql://${pathname}?user=${username}&password=${ofServer}`
    await using sandbox = await openSandbox({ url, password, endpoint })
    await sandbox.enter('a test')
    const client = clientOf(endpoint, '127.0.0.1')
    await client.connect()
    expect(await column(client, 'select 1')).toEqual([1])
    await client.end()
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
})

test('closed without a sandbox it hangs up on those who wait', async () => {
  const { endpoint, first } = await openWithFirst()
  const socket = connect(endpoint.port, 'localhost')
  const closed = once(socket, 'close')
  await first
  endpoint.close()
  await closed
  const late = connect(endpoint.port, 'localhost')
  await expect(once(late, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a sandbox in a thread of its own takes none', async () => {
  const endpoint = await openEndpoint()
  try {
    await expect(openSandbox({ url: place.server.url, ownThread: true, endpoint })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('listens there') as string,
    })
  } finally {
    endpoint.close()
  }
})
