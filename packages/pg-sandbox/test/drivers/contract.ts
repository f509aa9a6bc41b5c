import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { zone, type Ability, type Driver, type Kinds, type Pool } from './driver.js'
import { startPlaces, type Place, type Places } from './places.js'

/** What every driver does alike on a real database and in a sandbox. */
export function testDrivers(...drivers: Driver[]): void {
  let places: Places
  beforeAll(async () => {
    places = await startPlaces()
  })
  afterAll(() => places[Symbol.asyncDispose]())

  describe.each(drivers)('$name', driver => {
    for (const where of ['a real database', 'a sandbox', 'a sandbox over TCP'] as const) {
      describe(where, () => testDriver(driver, () => places.open[where]()))
    }
  })
}

function testDriver(driver: Driver, openPlace: () => Promise<Place>): void {
  let place: Place
  let pool: Pool
  /** Another one, with a single connection, which therefore meets what its last query left behind. */
  let single: Pool

  // The pools are opened once, as an application does at import time, and used in one test after the other.
  beforeAll(async () => {
    place = await openPlace()
    if (driver.queriesWhenOpened) await place.enter('the file')
    pool = await driver.open(place.url, 10)
    single = await driver.open(place.url, 1)
  })
  afterAll(async () => {
    await pool.close()
    await single.close()
    if (driver.queriesWhenOpened) await place.leave()
    await place[Symbol.asyncDispose]()
  })
  beforeEach(({ task }) => place.enter(task.name))
  afterEach(() => place.leave())

  const testIf = (ability: Ability, name: string, body: () => Promise<void>) => {
    if (!driver.lacks?.includes(ability)) test(name, body)
  }

  test('a transaction that commits', async () => {
    await pool.transaction(async transaction => {
      await transaction.add('Ada')
      await transaction.add('Grace')
      expect(await transaction.names()).toEqual(['Ada', 'Grace'])
    })
    expect(await single.names()).toEqual(['Ada', 'Grace'])
    expect(await pool.names()).toEqual(['Ada', 'Grace'])
  })

  test('a transaction that rolls back', async () => {
    await single.add('Ada')
    const reason = new Error('changed my mind')
    const attempt = pool.transaction(async transaction => {
      await transaction.add('Grace')
      expect(await transaction.names()).toEqual(['Ada', 'Grace'])
      throw reason
    })
    await expect(attempt).rejects.toBe(reason)
    expect(await single.names()).toEqual(['Ada'])
    expect(await pool.names()).toEqual(['Ada'])
  })

  test('nested transactions: an inner one rolled back, another one kept', async () => {
    const reason = new Error('not this')
    await pool.transaction(async outer => {
      await outer.add('Ada')
      const attempt = outer.nested(async inner => {
        await inner.add('Grace')
        expect(await inner.names()).toEqual(['Ada', 'Grace'])
        throw reason
      })
      await expect(attempt).rejects.toBe(reason)
      expect(await outer.names()).toEqual(['Ada'])
      await outer.nested(async inner => void (await inner.add('Barbara')))
      await outer.add('Katherine')
    })
    expect(await single.names()).toEqual(['Ada', 'Barbara', 'Katherine'])
  })

  testIf('serializable', 'a serializable transaction', async () => {
    await single.add('Ada')
    await pool.serializable!(async transaction => {
      expect(await transaction.names()).toEqual(['Ada'])
      await transaction.nested(async inner => void (await inner.add('Grace')))
    })
    expect(await single.names()).toEqual(['Ada', 'Grace'])
  })

  testIf('readOnly', 'a read-only transaction', async () => {
    await single.add('Ada')
    await single.readOnly!(async transaction => expect(await transaction.names()).toEqual(['Ada']))
    const attempt = single.readOnly!(async transaction => void (await transaction.add('Grace')))
    expect(driver.sqlState(await failure(attempt))).toBe('25006')
    await single.add('Katherine')
    expect(await pool.names()).toEqual(['Ada', 'Katherine'])
  })

  test('an expected error: the connection goes on', async () => {
    await single.add('Ada')
    expect(driver.sqlState(await failure(single.add('Ada')))).toBe('23505')
    await single.add('Grace')
    expect(await single.names()).toEqual(['Ada', 'Grace'])
    expect(await pool.names()).toEqual(['Ada', 'Grace'])
  })

  test('an expected error in a transaction: it is lost, the connection goes on', async () => {
    await pool.add('Ada')
    const states: unknown[] = []
    const attempt = single.transaction(async transaction => {
      await transaction.add('Grace')
      const violation = await failure(transaction.add('Ada'))
      const after = await failure(transaction.names())
      states.push(driver.sqlState(violation), driver.sqlState(after))
      throw violation
    })
    expect(driver.sqlState(await failure(attempt))).toBe('23505')
    expect(states).toEqual(['23505', '25P02'])
    expect(await single.names()).toEqual(['Ada'])
    expect(await pool.names()).toEqual(['Ada'])
  })

  test('an expected error in a nested transaction: the outer one goes on', async () => {
    await pool.add('Ada')
    await single.transaction(async outer => {
      await outer.add('Grace')
      const attempt = outer.nested(async inner => {
        await inner.add('Barbara')
        await inner.add('Ada')
      })
      expect(driver.sqlState(await failure(attempt))).toBe('23505')
      await outer.add('Katherine')
    })
    expect(await pool.names()).toEqual(['Ada', 'Grace', 'Katherine'])
  })

  test('30 queries at once', async () => {
    const numbers = Array.from({ length: 30 }, (_, index) => index)
    expect(await Promise.all(numbers.map(number => pool.echo(number)))).toEqual(numbers)
  })

  test('30 writes at once, of which some fail', async () => {
    await pool.add('person 0')
    const names = Array.from({ length: 30 }, (_, index) => `person ${index % 3 === 0 ? 0 : index}`)
    const results = await Promise.allSettled(names.map(name => pool.add(name)))
    const states = results.map(result => (result.status === 'rejected' ? driver.sqlState(result.reason) : 'added'))
    expect(states).toEqual(names.map(name => (name === 'person 0' ? '23505' : 'added')))
    expect((await pool.names()).toSorted()).toEqual([...new Set(names)].toSorted())
  })

  test('10 transactions at once', async () => {
    const numbers = Array.from({ length: 10 }, (_, index) => index)
    const reason = new Error('an odd one')
    const results = await Promise.allSettled(
      numbers.map(number =>
        pool.transaction(async transaction => {
          await transaction.add(`first of ${number}`)
          expect(await transaction.names()).toContain(`first of ${number}`)
          await transaction.add(`second of ${number}`)
          if (number % 2 === 1) throw reason
        }),
      ),
    )
    expect(results.map(result => (result.status === 'rejected' ? result.reason : 'committed'))).toEqual(
      numbers.map(number => (number % 2 === 1 ? reason : 'committed')),
    )
    const committed = numbers.filter(number => number % 2 === 0)
    expect((await single.names()).toSorted()).toEqual(
      committed.flatMap(number => [`first of ${number}`, `second of ${number}`]).toSorted(),
    )
  })

  test('500 rows in one call', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `person ${index}`)
    await pool.addAll(names)
    expect(await single.names()).toEqual(names)
  })

  test('500 rows in one call, of which one is refused: none is kept', async () => {
    await single.add('person 499')
    const names = Array.from({ length: 500 }, (_, index) => `person ${index}`)
    expect(driver.sqlState(await failure(pool.addAll(names)))).toBe('23505')
    expect(await single.names()).toEqual(['person 499'])
  })

  testIf('copy', '500 rows by COPY, in and out', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `person ${index}`)
    await single.add('Ada')
    expect(await pool.copy!(names)).toEqual(['Ada', ...names])
    expect(await single.names()).toEqual(['Ada', ...names])
  })

  testIf('refusedCopy', 'a COPY that is refused', async () => {
    await pool.add('Ada')
    expect(driver.sqlState(await failure(single.copy!(['Grace', 'Ada'])))).toBe('23505')
    await single.add('Grace')
    expect(await pool.names()).toEqual(['Ada', 'Grace'])
  })

  test.each(rows)('values of the usual types: $title', async ({ row }) => {
    expect(await pool.store(row)).toEqual(row)
  })

  testIf('countPrepared', 'a prepared statement, used again', async () => {
    expect(await single.countPrepared!('Ada')).toBe(0)
    await pool.add('Ada')
    expect(await single.countPrepared!('Ada')).toBe(1)
    expect(await single.countPrepared!('Grace')).toBe(0)
  })

  // What PREPARE has made goes with its test.
  if (!driver.preparesInSql) {
    testIf('countPrepared', 'a prepared statement of an earlier test, used on ten connections', async () => {
      await pool.add('Ada')
      expect(await single.countPrepared!('Ada')).toBe(1)
      const counts = await Promise.all(Array.from({ length: 20 }, () => pool.countPrepared!('Ada')))
      expect(counts).toEqual(Array.from({ length: 20 }, () => 1))
    })
  }

  testIf('stream', 'a stream, with other queries while it is read', async () => {
    const read: number[] = []
    for await (const quotient of pool.stream!(1, 1_000)) {
      read.push(quotient)
      if (read.length === 150) await pool.add('Ada')
      if (read.length === 450) expect(await pool.names()).toEqual(['Ada'])
    }
    expect(read).toEqual(Array.from({ length: 1_000 }, (_, index) => Math.floor(1_000 / (index + 1))))
    expect(await single.names()).toEqual(['Ada'])
  })

  testIf('stream', 'a stream that nobody reads to its end', async () => {
    const read: number[] = []
    for await (const quotient of single.stream!(1, 1_000)) {
      read.push(quotient)
      if (read.length === 150) break
    }
    expect(read).toHaveLength(150)
    await single.add('Ada')
    expect(await pool.names()).toEqual(['Ada'])
  })

  testIf('stream', 'a stream that fails on its way', async () => {
    const stream = single.stream!
    await single.add('Ada')
    const read: number[] = []
    const reading = async () => {
      for await (const quotient of stream(-300, 300)) read.push(quotient)
    }
    expect(driver.sqlState(await failure(reading()))).toBe('22012')
    expect(read.every(quotient => quotient < 0)).toBe(true)
    await single.add('Grace')
    expect(await pool.names()).toEqual(['Ada', 'Grace'])
  })

  testIf('timeZone', 'what a connection has set when it was made, in an earlier test', async () => {
    const zones = await Promise.all([single.timeZone!(), ...Array.from({ length: 20 }, () => pool.timeZone!())])
    expect(zones).toEqual(Array.from({ length: 21 }, () => zone))
  })

  test('a test that leaves rows behind', async () => {
    await pool.add('Ada')
    await pool.transaction(async transaction => void (await transaction.add('Grace')))
  })

  test('the test after it finds none, and the same pools work', async () => {
    expect(await pool.names()).toEqual([])
    await pool.transaction(async transaction => void (await transaction.add('Ada')))
    expect(await single.names()).toEqual(['Ada'])
  })
}

const rows: { title: string; row: Kinds }[] = [
  {
    title: 'ordinary ones',
    row: {
      a_text: 'Ada',
      an_int: 42,
      a_bigint: 7n,
      a_numeric: '12.5000000000',
      a_boolean: true,
      a_jsonb: { name: 'Ada', tags: ['a', 1, null, true], nested: { deep: 1.5 } },
      a_time: new Date('2024-02-29T12:34:56.789Z'),
      some_texts: ['a', 'b'],
      some_bytes: Buffer.from([1, 2, 3]),
    },
  },
  {
    title: 'at their limits',
    row: {
      a_text: `quotes ' " \\ $1 ; -- commit, \n tab\t, café, 漢字, 🐘`,
      an_int: -2_147_483_648,
      a_bigint: 9_223_372_036_854_775_807n,
      a_numeric: '-12345678901234567890.0123456789',
      a_boolean: false,
      a_jsonb: { text: `' " \\ 🐘`, empty: {}, none: null, list: [] },
      a_time: new Date('1969-12-31T23:59:59.999Z'),
      some_texts: ['', 'with "quotes"', 'back\\slash', 'com,ma', '{brace}'],
      some_bytes: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    },
  },
  {
    title: 'large ones',
    row: {
      a_text: 'x'.repeat(1_000_000),
      an_int: 0,
      a_bigint: 0n,
      a_numeric: '0.0000000000',
      a_boolean: false,
      a_jsonb: Array.from({ length: 1_000 }, (_, index) => ({ index })),
      a_time: new Date(0),
      some_texts: Array.from({ length: 1_000 }, (_, index) => `text ${index}`),
      some_bytes: Buffer.alloc(20_000, 0xa5),
    },
  },
  {
    title: 'null',
    row: {
      a_text: null,
      an_int: null,
      a_bigint: null,
      a_numeric: null,
      a_boolean: null,
      a_jsonb: null,
      a_time: null,
      some_texts: null,
      some_bytes: null,
    },
  },
]

/** What a promise was rejected with. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => Promise.reject(new Error('that was to fail')),
    (error: unknown) => error,
  )
}
