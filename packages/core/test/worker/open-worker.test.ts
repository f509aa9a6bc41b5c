import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { openWayOut, wayOut } from '@seedbed/postgres-for-tests/way-out'
import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isSpoiled, readNotes, writeFacts } from '../../src/run/worker-files.js'
import { loadSeed } from '../../src/seeds/load-seed.js'
import { db, seeds } from '../../src/worker/current.js'
import { openWorker, type TestDb } from '../../src/worker/open-worker.js'
import { openedScopes } from '../../src/worker/scopes.js'
import { aConcurrentTest, aFile, aSuite, aTest, bodies, file, useWorker, within, write } from './support.js'

const place = useWorker()

describe('scopes', () => {
  test('rows of beforeAll are there for the tests of their scope, and gone after it', async () => {
    await within(file, async () => {
      await write('file')
      await within(aSuite('outer'), async () => {
        await write('outer')
        await within(aTest('first'), async () => {
          await write('first')
          expect(await bodies()).toEqual(['file', 'first', 'outer'])
        })
        await within(aSuite('inner'), async () => {
          await write('inner')
          await within(aTest('second'), async () => expect(await bodies()).toEqual(['file', 'inner', 'outer']))
          await within(aTest('third'), async () => expect(await bodies()).toEqual(['file', 'inner', 'outer']))
        })
        await within(aTest('fourth'), async () => expect(await bodies()).toEqual(['file', 'outer']))
      })
      await within(aTest('fifth'), async () => expect(await bodies()).toEqual(['file']))
    })
    await within(aFile('b.test.ts'), async () => expect(await bodies()).toEqual([]))
    expect(await place.committed()).toEqual([])
  })

  test('a test that the runner never ended ends where the next one starts', async () => {
    await place.worker.enter(file)
    await place.worker.enter(aTest('skipped half-way'))
    await write('left over')
    await within(aTest('next'), async () => expect(await bodies()).toEqual([]))
    await place.worker.leave(file)
  })

  test('now() is no older than the test where no outer scope has written', async () => {
    await within(file, async () => {
      const times: string[] = []
      for (const name of ['first', 'second']) {
        await within(aTest(name), async () => {
          times.push((await db.query("select to_char(now(), 'HH24:MI:SS.US') as now")).rows[0].now)
        })
      }
      expect(new Set(times).size).toBe(2)
    })
  })

  test('sequences stand where the template left them after each file', async () => {
    const ids: number[] = []
    for (const name of ['a.test.ts', 'b.test.ts']) {
      await within(aFile(name), async () => {
        await within(aTest('writes'), async () => {
          await write('x')
          await write('y')
          const { rows } = await db.query('select id from note order by id')
          ids.push(...rows.map(row => row.id))
        })
      })
    }
    expect(ids).toEqual([1, 2, 1, 2])
  })

  test('sequences are set back after a file of concurrent tests alone, too', async () => {
    const ids = []
    for (const name of ['a.test.ts', 'b.test.ts']) {
      const scope = aFile(name)
      await place.worker.enter(scope)
      const only = aConcurrentTest(`only of ${name}`)
      await place.worker.enter(only)
      const own = place.worker.dbOf(only)
      ids.push((await own.query("insert into note (body) values ('x') returning id")).rows)
      own.end()
      await place.worker.leave(only)
      await place.worker.leave(scope)
    }
    expect(ids).toEqual([[{ id: 1 }], [{ id: 1 }]])
  })

  test('a statement outside of any file is refused, and connects to nothing', async () => {
    await expect(write('nowhere')).rejects.toMatchObject({ code: 'DB_OUTSIDE_FILE' })
    await within(file, async () => {})
    expect(await readNotes(place.run.folder, 1)).toEqual([
      { file: 'a.test.ts', database: 'postgres', sessions: 0, tests: [] },
    ])
  })
})

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

  test('a cursor that a test leaves open is in nobody’s way', async () => {
    await within(file, async () => {
      await within(aTest('reads half'), async () => {
        const cursor = db.query(new Cursor('select generate_series(1, 5) as n'))
        await cursor.read(2)
      })
      await within(aTest('next'), async () => expect(await bodies()).toEqual([]))
    })
  })

  test('an error’s stack names the line that sent the statement', async () => {
    await within(file, () =>
      within(aTest('stack'), async () => {
        const error: Error = await db.query('select nonsense').catch(caught => caught)
        expect(error.stack?.split('\n')[1]).toContain('open-worker.test.ts')
      }),
    )
  })

  test('BEGIN, COMMIT and ROLLBACK of the code under test act as on a connection of its own', async () => {
    await within(file, () =>
      within(aTest('transactions'), async () => {
        expect((await db.query('begin')).command).toBe('BEGIN')
        await write('rolled back')
        expect((await db.query('rollback')).command).toBe('ROLLBACK')
        await db.query('start transaction')
        await write('committed')
        expect((await db.query('commit')).command).toBe('COMMIT')
        await db.query('begin')
        await write('lost')
        await expect(db.query('select nonsense')).rejects.toMatchObject({ code: '42703' })
        await expect(write('refused')).rejects.toMatchObject({ code: '25P02' })
        expect((await db.query('commit')).command).toBe('ROLLBACK')
        expect(await bodies()).toEqual(['committed'])
      }),
    )
    expect(await place.committed()).toEqual([])
  })

  test('savepoints belong into a transaction of the code’s own, as on any connection', async () => {
    await within(file, () =>
      within(aTest('savepoints'), async () => {
        await write('before')
        await expect(db.query('savepoint a')).rejects.toMatchObject({ code: '25P01' })
        await db.query('begin')
        await db.query('savepoint a')
        await write('undone')
        await db.query('rollback to savepoint a')
        await db.query('release a')
        await write('kept')
        await db.query('commit')
        await expect(db.query('release savepoint a')).rejects.toMatchObject({ code: '25P01' })
        expect(await bodies()).toEqual(['before', 'kept'])
      }),
    )
  })

  test('deferred constraints are checked at the code’s COMMIT, and stay deferred for the next transaction', async () => {
    await within(file, () =>
      within(aTest('deferred'), async () => {
        for (let round = 0; round < 2; round++) {
          await db.query('begin')
          await db.query('insert into pair values (1, 2)')
          await expect(db.query('commit')).rejects.toMatchObject({ code: '23503' })
          await db.query('begin')
          await db.query('insert into pair values (1, 2), (2, 1)')
          await db.query('commit')
          await db.query('delete from pair')
        }
      }),
    )
  })

  test('what a transaction may ask for is there as on a database of the test’s own', async () => {
    await within(file, () =>
      within(aTest('options'), async () => {
        await db.query('begin isolation level serializable, read only')
        await expect(write('refused')).rejects.toMatchObject({ code: '25006' })
        await db.query('rollback')
        await db.query("begin; insert into note (body) values ('kept'); commit; select 1")
        await db.query('begin')
        await write('chained')
        await db.query('commit and chain')
        await write('undone')
        await db.query('rollback')
        expect(await bodies()).toEqual(['chained', 'kept'])
      }),
    )
    expect(await place.committed()).toEqual([])
  })

  test('a statement that finds a way to commit gives the database up, for this process and the next', async () => {
    await within(file, async () => {
      await within(aTest('commits'), async () => {
        onTestFinished(openWayOut())
        await db.query("insert into note (body) values ('1')")
        const escaping = db.query(wayOut)
        await expect(escaping).rejects.toThrow(/ended the shared transaction/)
      })
      await expect(place.worker.enter(aTest('next'))).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
    })
    expect(await place.committed()).toEqual(['1'])
    expect(isSpoiled(place.run.folder, 1)).toBe(true)
    const nextProcess = await openWorker({ ...place.run, id: 'the same folder, another process' }, 1)
    await expect(nextProcess.enter(file)).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
    await nextProcess.close()
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

  test('sequences go back after each test where the config says so, also in a scope that has dropped one', async () => {
    place.run.sequences = 'test'
    await within(file, async () => {
      for (const name of ['first', 'second']) {
        await within(aTest(name), async () => {
          await write('x')
          expect((await db.query('select id from note')).rows).toEqual([{ id: 1 }])
        })
      }
      await db.query('drop table note')
      await within(aTest('third'), async () => void (await db.query('select 1')))
    })
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

describe('seeds', () => {
  test('loadSeed adds a file, all or nothing, and it is gone with its test', async () => {
    await writeFile(
      join(place.run.folder, 'more.json'),
      '{ "note": { "one": { "body": "one" }, "two": { "body": "two" } } }',
    )
    await writeFile(join(place.run.folder, 'broken.json'), '{ "note": [{ "body": "three" }, { "body": null }] }')
    await within(file, async () => {
      await within(aTest('loads'), async () => {
        await write('before')
        const { note } = await loadSeed(db, 'more.json')
        expect(note!.one).toMatchObject({ body: 'one' })
        await expect(loadSeed(db, 'broken.json')).rejects.toThrow(/^broken\.json:1:/)
        expect(await bodies()).toEqual(['before', 'one', 'two'])
        await db.query('begin')
        await db.query("delete from note where body = 'before'")
        await loadSeed(db, new URL(`file://${place.run.folder}/more.json`)).catch(() => {})
        await db.query('rollback')
        expect(await bodies()).toEqual(['before', 'one', 'two'])
      })
      expect(await bodies()).toEqual([])
    })
  })

  test('can be printed and listed', async () => {
    const tables = { note: { columns: [{ name: 'id', type: 23 }], rows: { one: ['1'] } } }
    writeFacts(place.run.folder, { labels: { tables }, sequences: [] })
    expect(inspect(seeds)).toBe('{ note: { one: { id: 1 } } }')
    expect(Object.keys(seeds)).toEqual(['note'])
    expect({ ...seeds }).toEqual({ note: { one: { id: 1 } } })
    await expect(Promise.resolve(seeds)).resolves.toBe(seeds)
  })
})

describe('the environment of a worker', () => {
  test('is set before anything connects, and holds no other connection parameter', async () => {
    process.env.PGHOSTADDR = '192.0.2.1'
    process.env.PGSSLMODE = 'require'
    const { url } = openedScopes()!.sandbox
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
