import pg from 'pg'
import Cursor from 'pg-cursor'
import { expect, test } from 'vitest'
import { db } from '../../src/worker/current.js'
import { aTest, bodies, file, useWorker, within, write } from './support.js'

const place = useWorker()

test('a cursor that a test leaves open is in nobody’s way', async () => {
  await within(file, async () => {
    await within(aTest('reads half'), async () => {
      const cursor = db.query(new Cursor('select generate_series(1, 5) as n'))
      await cursor.read(2)
    })
    await within(aTest('next'), async () => expect(await bodies()).toEqual([]))
  })
})

test('what the test did not wait for is cancelled or never sent, and reaches no other test', async () => {
  await within(file, async () => {
    let outcomes: Promise<unknown>[] = []
    await within(aTest('forgets to await'), async () => {
      outcomes = [
        db.query("insert into note (body) select 'late' from pg_sleep(60)"),
        db.query("insert into note (body) values ('later')"),
      ].map(query => query.catch(error => error.code))
    })
    expect(await Promise.all(outcomes)).toEqual(['57014', 'DB_AFTER_TEST'])
    await within(aTest('next'), async () => expect(await bodies()).toEqual([]))
  })
  expect(place.printed).toEqual([
    expect.stringMatching(
      /^seedbed {2}test "forgets to await" did not wait for a statement of client \d+ \([^)]+\), which was cancelled: insert into note \(body\) select 'late' from pg_sleep\(60\)$/,
    ),
  ])
})

test('a transaction that the test left open is ended, and said', async () => {
  await within(file, async () => {
    await within(aTest('forgets to commit'), async () => {
      await db.query('begin')
      await write('lost')
    })
    await within(aTest('next'), async () => expect(await bodies()).toEqual([]))
  })
  expect(place.printed).toEqual([
    expect.stringMatching(
      /^seedbed {2}test "forgets to commit" ended while client \d+ \([^)]+\) was in a transaction, .* insert into note/,
    ),
  ])
})

test('a client that hung up in its transaction is told of where the test has failed', async () => {
  await within(file, async () => {
    const hangUp = async () => {
      const client = new pg.Client(process.env.DATABASE_URL)
      await client.connect()
      await client.query("begin; insert into note (body) values ('lost')")
      await client.end()
    }
    await within(aTest('passes'), hangUp)
    expect(place.printed).toEqual([])
    await within({ ...aTest('fails'), failed: true }, hangUp)
  })
  expect(place.printed).toContainEqual(
    expect.stringMatching(/client \d+ .* hung up in the midst of a transaction, .* insert into note/),
  )
})

test('after a transaction that was left open the client is another one, each time', async () => {
  await within(file, async () => {
    for (const name of ['first', 'second', 'third']) {
      await within(aTest(name), async () => {
        await db.query('begin')
        await write('left open')
      })
    }
  })
  const clients = place.printed.map(line => Number(/while client (\d+) /.exec(line)![1]))
  const [first] = clients as [number]
  expect(clients).toEqual([first, first + 1, first + 2])
})
