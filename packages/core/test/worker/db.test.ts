import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { describe, expect, test } from 'vitest'
import { readNotes } from '../../src/run/worker-files.js'
import { db } from '../../src/worker/current.js'
import type { TestDb } from '../../src/worker/open-worker.js'
import { aConcurrentTest, aFile, aTest, bodies, file, useWorker, within, write } from './support.js'

const place = useWorker()

describe('statements', () => {
  test('an SQL error does not end the test, whether anything was written before or not', async () => {
    await within(file, async () => {
      await within(aTest('expects errors'), async () => {
        await expect(db.query('select nonsense')).rejects.toMatchObject({ code: '42703' })
        await write('kept')
        await expect(write('kept')).rejects.toMatchObject({ code: '23505' })
        await write('kept too')
        expect(await bodies()).toEqual(['kept', 'kept too'])
      })
      expect(await bodies()).toEqual([])
    })
  })

  test('queries sent at once are answered each with its own rows', async () => {
    await within(file, () =>
      within(aTest('parallel'), async () => {
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, n) =>
            n % 5 === 4
              ? db.query('select 1/0').catch(error => error.code)
              : db.query('select $1::int as n', [n]).then(({ rows }) => rows[0].n),
          ),
        )
        expect(answers).toEqual([
          0,
          1,
          2,
          3,
          '22012',
          5,
          6,
          7,
          8,
          '22012',
          10,
          11,
          12,
          13,
          '22012',
          15,
          16,
          17,
          18,
          '22012',
        ])
      }),
    )
  })

  test('takes every form of pg’s query but a query object', async () => {
    await within(file, () =>
      within(aTest('forms'), async () => {
        expect((await db.query({ text: 'select $1::int', values: [1], rowMode: 'array' })).rows).toEqual([[1]])
        expect((await db.query({ name: 'prepared', text: 'select $1::int as n' }, [2])).rows).toEqual([{ n: 2 }])
        const called = await new Promise(resolve => {
          db.query('select 3 as n', (error, result) => resolve([error, result.rows]))
        })
        expect(called).toEqual([null, [{ n: 3 }]])
        const failed = await new Promise(resolve => {
          db.query('select $1::int / 0', [4], error => resolve((error as Error & { code: string }).code))
        })
        expect(failed).toBe('22012')
        const cursor = db.query(new Cursor('select generate_series(1, 5) as n'))
        expect([await cursor.read(2), await cursor.read(2)]).toEqual([
          [{ n: 1 }, { n: 2 }],
          [{ n: 3 }, { n: 4 }],
        ])
        await cursor.close()
        const rows = []
        for await (const row of db.query(new QueryStream('select generate_series(1, 3) as n'))) rows.push(row)
        expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
      }),
    )
  })

  test('an error’s stack names the line that sent the statement', async () => {
    await within(file, () =>
      within(aTest('stack'), async () => {
        const error: Error = await db.query('select nonsense').catch(caught => caught)
        expect(error.stack?.split('\n')[1]).toContain('db.test.ts')
      }),
    )
  })

  test('a lost connection fails the file with one reason, and the next file starts on a new one', async () => {
    await within(file, () =>
      within(aTest('loses it'), async () => {
        await write('x')
        await expect(db.query('select pg_terminate_backend(pg_backend_pid())')).rejects.toThrow()
        await expect(bodies()).rejects.toThrow(/SESSION_LOST/)
      }),
    )
    await within(aFile('b.test.ts'), async () => {
      expect(await bodies()).toEqual([])
      await write('y')
      expect((await db.query('select id from note')).rows).toEqual([{ id: 1 }])
    })
    expect((await readNotes(place.run.folder, 1)).map(({ sessions }) => sessions)).toEqual([2, 0])
  })
})

describe('a client for one test', () => {
  test('refuses after its test', async () => {
    const scope = aTest('short')
    await within(file, async () => {
      let own: TestDb
      await within(scope, async () => {
        own = place.worker.dbOf(scope)
        await own.query('select 1')
        own.end()
      })
      await expect(own!.query('select 1')).rejects.toMatchObject({ code: 'DB_AFTER_TEST' })
    })
  })

  test('concurrent tests have sessions of their own, and plain db says why it cannot serve them', async () => {
    await within(file, async () => {
      const scopes = [aConcurrentTest('one'), aConcurrentTest('two')]
      await Promise.all(
        scopes.map(scope =>
          within(scope, async () => {
            await expect(db.query('select 1')).rejects.toMatchObject({ code: 'DB_CONCURRENT' })
            const own = place.worker.dbOf(scope)
            await own.query('insert into note (body) values ($1)', [scope.name])
            expect((await own.query('select body from note')).rows).toEqual([{ body: scope.name }])
            own.end()
          }),
        ),
      )
      expect(await bodies()).toEqual([])
    })
    const [note] = await readNotes(place.run.folder, 1)
    expect(note).toMatchObject({ sessions: 3 })
    expect(place.printed).toEqual([])
    expect(note?.tests).toHaveLength(2)
  })
})
