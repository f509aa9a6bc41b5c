import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { drained } from '../src/drained.js'

test('is told of a drain as often as there is one, and of the end; nothing listens afterwards', async () => {
  const stream = new Duplex({
    highWaterMark: 1,
    read() {},
    write: (_chunk, _encoding, taken) => void setImmediate(taken),
  })
  for (let time = 0; time < 3; time++) {
    expect(stream.write('xx')).toBe(false)
    await drained(stream)
    expect(stream.writableNeedDrain).toBe(false)
  }
  stream.write('xx')
  const last = drained(stream)
  stream.destroy()
  await last
  expect([stream.listenerCount('drain'), stream.listenerCount('close')]).toEqual([0, 0])
})
