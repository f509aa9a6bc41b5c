import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { randomInput, type Random } from './random-input.js'
import { column, usePlace } from './support.js'

const place = usePlace('create table item (id int primary key, name text)')
const cases = Number(process.env.PG_SANDBOX_FUZZ ?? 5_000)
/** From memory, as clients of this process are answered, and over TCP. */
const hosts = ['127.0.0.1', 'localhost']
/** The same input each time, so that a change is judged by itself; `npm run soak` takes other input, and ten times as much. */
const seed = Number(process.env.PG_SANDBOX_SEED ?? 20_261_121)

test(
  `${cases} connections that send nonsense harm nobody else (PG_SANDBOX_SEED=${seed})`,
  { timeout: 600_000 },
  async () => {
    const bystander = await place.connect()
    await bystander.query("insert into item values (1, 'stays')")
    const { port, password, username, pathname } = new URL(place.sandbox.url)
    const login = { user: username, database: pathname.slice(1), password }
    const random = randomFrom(seed)
    for (let done = 0; done < cases; done += 500) {
      const inputs = Array.from({ length: Math.min(500, cases - done) }, () => randomInput(random, login))
      for (let left = 0; left < inputs.length; left += 50) {
        await Promise.all(inputs.slice(left, left + 50).map((input, at) => send(Number(port), hosts[at % 2]!, input)))
      }
      await bystander.query('begin')
      await bystander.query('update item set name = name')
      await bystander.query('commit')
      expect(await column(bystander, 'select name from item where id = 1'), `after ${done} cases`).toEqual(['stays'])
    }
    expect(await column(await place.connect(), 'select name from item where id = 1')).toEqual(['stays'])
  },
)

test('half a start-up packet and silence leave the others alone', async () => {
  const { port } = new URL(place.sandbox.url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(Buffer.from([0, 0, 0, 40, 0, 3]))
  expect(await column(await place.connect(), 'select 1')).toEqual([1])
  socket.destroy()
})

/** Sends all of it, and waits until the other side has answered and hung up, or has nothing more to say. */
function send(port: number, host: string, { bytes, hangsUp }: { bytes: Buffer[]; hangsUp: boolean }): Promise<void> {
  return new Promise(resolve => {
    const socket: Socket = connect(port, host)
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.resume()
    for (const chunk of bytes) socket.write(chunk)
    if (hangsUp) socket.once('connect', () => socket.destroy())
    else socket.end()
  })
}

/** mulberry32: the same numbers for the same seed. */
function randomFrom(start: number): Random {
  let state = start
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
