import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { readNotes } from '../../src/run/worker-files.js'
import { openWorker } from '../../src/worker/open-worker.js'
import { openedScopes } from '../../src/worker/scopes.js'
import { aConcurrentTest, aFile, aTest, bodies, file, useWorker, within, write } from './support.js'

const place = useWorker()

describe('what connects to DATABASE_URL by itself', () => {
  const inPool = async (work: (pool: pg.Pool) => Promise<void>) => {
    const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL!, max: 3 })
    try {
      await work(pool)
    } finally {
      await pool.end()
    }
  }

  test('shares the scopes with db, from a pool that was opened before them, and from file to file', () =>
    inPool(async pool => {
      const connected = await pool.connect()
      await expect(connected.query('select 1')).rejects.toMatchObject({ code: '55000' })
      connected.release()
      for (const name of ['a.test.ts', 'b.test.ts']) {
        await within(aFile(name), async () => {
          await pool.query("insert into note (body) values ('file')")
          await within(aTest('writes'), async () => {
            await write('db')
            expect((await pool.query('select body from note order by id')).rows).toEqual([
              { body: 'file' },
              { body: 'db' },
            ])
            await pool.query('delete from note')
            expect(await bodies()).toEqual([])
          })
          expect(await bodies()).toEqual(['file'])
          expect((await pool.query('select id from note')).rows).toEqual([{ id: 1 }])
        })
      }
      expect(await place.committed()).toEqual([])
      expect((await readNotes(place.run.folder, 1)).map(({ sessions }) => sessions)).toEqual([1, 0])
      expect(place.printed).toEqual([])
    }))

  test('a test that fails tells what it did', () =>
    inPool(async pool => {
      await place.worker.enter(file)
      const failing = aTest('fails')
      await place.worker.enter(failing)
      await pool.query("insert into note (body) values ('a'), ('b')")
      await pool.query('select nonsense').catch(() => {})
      await bodies()
      await place.worker.leave({ ...failing, failed: true })
      const silent = aTest('fails for another reason')
      await place.worker.enter(silent)
      await place.worker.leave({ ...silent, failed: true })
      await place.worker.leave(file)
      expect(place.printed).toEqual([
        'seedbed  test "fails" failed; in the database it had run INSERT once (2 rows), SELECT once (2 rows); 1 failed',
        'seedbed    rows at its end, against its begin: public.note +2',
      ])
    }))

  test('a test that fails and is of time is told that now() stands still', () =>
    inPool(async pool => {
      await place.worker.enter(file)
      const failing = aTest('is of time')
      await place.worker.enter(failing)
      await pool.query('select id from note order by created_at').catch(() => {})
      await place.worker.leave({ ...failing, failed: true })
      await place.worker.leave(file)
      expect(place.printed).toEqual([
        expect.stringContaining('test "is of time" failed'),
        expect.stringMatching(/now\(\) stands still in a test: .* select id from note order by created_at$/),
      ])
    }))

  test('concurrent tests that use it share a transaction, which is said, and rolled back', () =>
    inPool(async pool => {
      await within(file, async () => {
        const scopes = [aConcurrentTest('one'), aConcurrentTest('two')]
        await Promise.all(
          scopes.map(scope =>
            within(scope, () => pool.query('insert into note (body) values ($1)', [scope.name]).then(() => {})),
          ),
        )
        expect(await bodies()).toEqual([])
        const alone = aConcurrentTest('alone')
        await within(alone, () => pool.query('select 1').then(() => {}))
      })
      expect(place.printed).toEqual([
        expect.stringMatching(/concurrent tests have used DATABASE_URL at the same time \(INSERT 2 times \(2 rows\)\)/),
      ])
    }))
})

describe('the environment of a worker', () => {
  test('is set before anything connects, and holds no other connection parameter', async () => {
    process.env.PGHOSTADDR = '192.0.2.1'
    process.env.PGSSLMODE = 'require'
    const { url } = (await openedScopes()!.inSandbox()).sandbox
    expect(await openWorker(place.run, 1)).toBe(place.worker)
    expect(process.env).toMatchObject({
      ENVIRONMENT: 'test',
      NODE_ENV: 'test',
      DATABASE_URL: url,
      PGHOST: '127.0.0.1',
      PGPORT: new URL(url).port,
      PGPASSWORD: new URL(url).password,
      PGUSER: 'postgres',
      PGDATABASE: 'postgres',
    })
    expect(process.env).not.toHaveProperty('PGHOSTADDR')
    expect(process.env).not.toHaveProperty('PGSSLMODE')
  })

  test.each([
    ['DATABASE_URL', 'postgresql://me:secret@db.example.com/shop', 'postgresql://me@db.example.com/shop'],
    ['PGHOST', 'db.example.com', '"db.example.com"'],
    ['PGSERVICE', 'production', '"production"'],
    ['PGPASSWORD', 'secret', 'something else'],
  ])('a changed %s stops the next test', async (name, value, shown) => {
    await place.worker.enter(file)
    process.env[name] = value
    const entering = place.worker.enter(aTest('starts'))
    await expect(entering).rejects.toThrow(`${name} was changed after Seedbed had set it; it is now ${shown}.`)
    await expect(entering).rejects.not.toThrow(/secret/)
    await place.worker.leave(file)
  })

  test('a slot that the run did not prepare is refused', async () => {
    await expect(openWorker(place.run, 2)).rejects.toThrow('Worker 2 has no database: the run prepared 1.')
  })
})
