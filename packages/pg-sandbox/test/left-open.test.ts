import { EventEmitter, once } from 'node:events'
import type { Connection, Submittable } from 'pg'
import { Client } from 'pg'
import { from, to } from 'pg-copy-streams'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { column, overTcp, usePlace } from './support.js'

const place = usePlace('create table item (id int primary key, name text)', { stragglerTimeout: 200 })

const endless = "select repeat('x', 1000) from generate_series(1, 3000000)"

/** Leaves the scope in which this client has left something open, and sees that the next one starts afresh, for it too. */
async function leaves(client: Client, statement: string) {
  const footprint = await place.sandbox.leave()
  expect(footprint.inFlight).toMatchObject([{ statement, cancelled: true }])
  await place.sandbox.enter('the next')
  expect(await column(await place.connect(), 'select count(*)::int from item')).toEqual([0])
  expect(await column(client, 'select 1')).toEqual([1])
}

/** The server waits for somebody to read its rows. */
const stuck = () =>
  vi.waitFor(async () => {
    const { rowCount } = await place.outside("select from pg_stat_activity where wait_event = 'ClientWrite'")
    expect(rowCount).toBe(1)
  }, 20_000)

const ways = {
  'in memory': () => place.connect(),
  'over TCP': () => connectOverTcp(),
  'in a session of its own': async () => {
    await place.sandbox.enter('direct', { direct: () => Promise.resolve(place.server.url) })
    return place.connect()
  },
}
const overSockets: Client[] = []
afterEach(async () => {
  for (const client of overSockets.splice(0)) await client.end()
})

async function connectOverTcp(): Promise<Client> {
  const client = new Client(overTcp(place.sandbox))
  overSockets.push(client)
  await client.connect()
  return client
}

/** As a client does that reads nothing. */
function stopReading(client: Client): { resume(): void } {
  return (client as unknown as { connection: Connection }).connection.stream.pause()
}

describe.each(Object.entries(ways))('left open by a client %s', (_, connected) => {
  test('a COPY that takes data is ended with its scope', async () => {
    const client = await connected()
    const copy = client.query(from('copy item from stdin'))
    const failed = new Promise<Error>(resolve => copy.on('error', resolve))
    await new Promise(resolve => copy.write('1\tAda\n', resolve))
    await leaves(client, 'copy item from stdin')
    expect((await failed).message).toMatch(/its scope has ended|canceling statement/)
  })

  test('a COPY whose data is refused has failed at once, ended or not', async () => {
    const client = await connected()
    const copy = client.query(from('copy item from stdin'))
    const failed = new Promise<Error>(resolve => copy.on('error', resolve))
    copy.write('no number\tAda\n')
    // The server reads on until its buffer is full.
    for (let line = 0; line < 2_000; line++) copy.write(`${line}\t${'x'.repeat(100)}\n`)
    expect((await failed).message).toMatch(/invalid input syntax for type integer: "no number"/)
    expect(await column(client, 'select count(*)::int from item')).toEqual([0])
  })

  test('a COPY that nobody reads', async () => {
    const client = await connected()
    const copy = client.query(to(`copy (${endless}) to stdout`))
    copy.on('error', () => {})
    await stuck()
    expect((await place.sandbox.leave()).inFlight).toMatchObject([{ cancelled: true }])
    await place.sandbox.enter('the next')
    expect(await column(await place.connect(), 'select count(*)::int from item')).toEqual([0])
    copy.destroy()
  })

  test('rows that nobody reads', async () => {
    const client = await connected()
    const result = client.query(endless).catch((error: Error) => error)
    const reading = stopReading(client)
    await stuck()
    expect((await place.sandbox.leave()).inFlight).toMatchObject([{ statement: endless, cancelled: true }])
    reading.resume()
    expect(await result).toMatchObject({ code: '57014' })
    await place.sandbox.enter('the next')
    expect(await column(client, 'select count(*)::int from item')).toEqual([0])
  })

  test.each(['closed', 'disconnected'])('no matter what, the sandbox can be %s', async how => {
    const [feeding, reading] = [await connected(), await connected()]
    feeding
      .on('error', () => {})
      .query(from('copy item from stdin'))
      .on('error', () => {})
    reading
      .on('error', () => {})
      .query(endless)
      .catch(() => {})
    const paused = stopReading(reading)
    if (how === 'closed') await place.sandbox.close()
    else await place.sandbox.disconnect()
    paused.resume()
  })
})

test.each(['in memory', 'over TCP'] as const)('a COPY by messages, of which the Sync comes later: %s', async how => {
  const client = await ways[how]()
  const copy = copyByMessages('copy item from stdin')
  client.query(copy)
  const connection = await copy.taking
  connection.sendCopyFromChunk(Buffer.from('1\tAda\n'))
  const footprint = await place.sandbox.leave()
  expect(footprint.inFlight).toMatchObject([{ statement: 'copy item from stdin', cancelled: true }])
  await copy.failed
  connection.endCopyFrom()
  connection.sync()
  await place.sandbox.enter('the next')
  expect(await column(client, 'select count(*)::int from item')).toEqual([0])
  expect(await column(client, 'select $1::int', [2])).toEqual([2])
})

test('what catches its cancelling costs the session', async () => {
  const client = await place.connect()
  const stubborn =
    'do $$ begin loop begin perform pg_sleep(60); exception when query_canceled then null; end; end loop; end $$'
  const failed = client.query(stubborn).catch((error: Error) => error)
  await place.sandbox.leave()
  expect(place.sandbox.escaped).toContain('a statement could not be cancelled: do $$ begin loop')
  expect(await failed).toMatchObject({ message: expect.stringContaining('could not be cancelled') as string })
})

/** The types of `pg` leave them out. */
type CopyingConnection = Connection & { sendCopyFromChunk(data: Buffer): void; endCopyFrom(): void }

/** `pg` has COPY in simple queries only. */
function copyByMessages(text: string) {
  const heard = new EventEmitter()
  return {
    taking: once(heard, 'taking').then(([connection]) => connection as CopyingConnection),
    failed: once(heard, 'failed'),
    submit(connection: Connection) {
      connection.parse({ name: '', text, types: [] }, true)
      connection.bind({}, true)
      connection.execute({}, true)
      connection.sync()
    },
    handleCopyInResponse: (connection: Connection) => void heard.emit('taking', connection),
    handleError: () => void heard.emit('failed'),
    handleReadyForQuery() {},
    handleCommandComplete() {},
  } satisfies Submittable & Record<string, unknown>
}
