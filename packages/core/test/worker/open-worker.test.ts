import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { openWayOut, wayOut } from '@seedbed/postgres-for-tests/way-out'
import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { connectionVariables } from '../../src/run/connection-variables.js'
import { withDatabase } from '../../src/server/database-url.js'
import { sandboxUrl } from '../../src/run/worker-address.js'
import { isSpoiled, readNotes, writeFacts } from '../../src/run/worker-files.js'
import type { RunHandle } from '../../src/run/run-handle.js'
import { loadSeed } from '../../src/seeds/load-seed.js'
import { seeds } from '../../src/worker/current.js'
import { openWorker, type Worker } from '../../src/worker/open-worker.js'
import { openedScopes, type Scope } from '../../src/worker/scopes.js'

let server: PostgresForTests
let direct: pg.Client
let run: RunHandle
let worker: Worker
let printed: string[]
let runs = 0
const environment = { ...process.env }

beforeAll(async () => {
  server = await startPostgres()
  direct = new pg.Client(server.url)
  await direct.connect()
  await direct.query('create table note (id int generated always as identity primary key, body text unique not null)')
  await direct.query('create table pair (id int primary key, other int references pair deferrable initially deferred)')
})
afterAll(async () => {
  await direct.end()
  await server.stop()
})

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'seedbed-worker-test-'))
  runs += 1
  const url = withDatabase(server.url, 'postgres')
  const password = 'unguessable'
  run = {
    id: `run ${runs}`,
    project: folder,
    folder,
    isolation: 'transaction',
    sequences: 'file',
    sandbox: {},
    workers: [
      { database: 'postgres', url, password, variables: connectionVariables(sandboxUrl({ url, password }), {}) },
    ],
  }
  writeFacts(folder, {
    labels: { tables: {} },
    sequences: [{ schema: 'public', name: 'note_id_seq', lastValue: '1', isCalled: false }],
  })
  worker = await openWorker(run, 1)
  printed = []
  openedScopes()!.print = line => printed.push(line)
})
afterEach(async () => {
  await worker.close()
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
  await rm(run.folder, { recursive: true })
  await direct.query('delete from note')
})

const file: Scope = { id: 'file', kind: 'file', name: 'a.test.ts' }
const suite = (name: string): Scope => ({ id: name, kind: 'suite', name })
const aTest = (name: string, concurrent = false): Scope => ({ id: name, kind: 'test', name, concurrent })
const bodies = async () => (await worker.db.query('select body from note order by body')).rows.map(row => row.body)
const write = (body: string) => worker.db.query('insert into note (body) values ($1)', [body])
const committed = async () => (await direct.query('select body from note order by body')).rows.map(row => row.body)
async function within(scope: Scope, work: () => Promise<void>) {
  await worker.enter(scope)
  try {
    await work()
  } finally {
    await worker.leave(scope)
  }
}

describe('scopes', () => {
  test('rows of beforeAll are there for the tests of their scope, and gone after it', async () => {
    await within(file, async () => {
      await write('file')
      await within(suite('outer'), async () => {
        await write('outer')
        await within(aTest('first'), async () => {
          await write('first')
          expect(await bodies()).toEqual(['file', 'first', 'outer'])
        })
        await within(suite('inner'), async () => {
          await write('inner')
          await within(aTest('second'), async () => expect(await bodies()).toEqual(['file', 'inner', 'outer']))
          await within(aTest('third'), async () => expect(await bodies()).toEqual(['file', 'inner', 'outer']))
        })
        await within(aTest('fourth'), async () => expect(await bodies()).toEqual(['file', 'outer']))
      })
      await within(aTest('fifth'), async () => expect(await bodies()).toEqual(['file']))
    })
    await within({ id: 'another file', kind: 'file', name: 'b.test.ts' }, async () =>
      expect(await bodies()).toEqual([]),
    )
    expect(await committed()).toEqual([])
  })

  test('a test that the runner never ended ends where the next one starts', async () => {
    await worker.enter(file)
    await worker.enter(aTest('skipped half-way'))
    await write('left over')
    await within(aTest('next'), async () => expect(await bodies()).toEqual([]))
    await worker.leave(file)
  })

  test('now() is no older than the test where no outer scope has written', async () => {
    await within(file, async () => {
      const times: string[] = []
      for (const name of ['first', 'second']) {
        await within(aTest(name), async () => {
          times.push((await worker.db.query("select to_char(now(), 'HH24:MI:SS.US') as now")).rows[0].now)
        })
      }
      expect(new Set(times).size).toBe(2)
    })
  })

  test('sequences stand where the template left them after each file', async () => {
    const ids: number[] = []
    for (const name of ['a.test.ts', 'b.test.ts']) {
      await within({ id: 'another file', kind: 'file', name }, async () => {
        await within(aTest('writes'), async () => {
          await write('x')
          await write('y')
          const { rows } = await worker.db.query('select id from note order by id')
          ids.push(...rows.map(row => row.id))
        })
      })
    }
    expect(ids).toEqual([1, 2, 1, 2])
  })

  test('sequences are set back after a file of concurrent tests alone, too', async () => {
    const ids = []
    for (const name of ['a.test.ts', 'b.test.ts']) {
      const scope: Scope = { id: name, kind: 'file', name }
      await worker.enter(scope)
      const only = aTest(`only of ${name}`, true)
      await worker.enter(only)
      const db = worker.dbOf(only)
      ids.push((await db.query("insert into note (body) values ('x') returning id")).rows)
      db.end()
      await worker.leave(only)
      await worker.leave(scope)
    }
    expect(ids).toEqual([[{ id: 1 }], [{ id: 1 }]])
  })

  test('a statement outside of any file is refused, and connects to nothing', async () => {
    await expect(write('nowhere')).rejects.toMatchObject({ code: 'DB_OUTSIDE_FILE' })
    await within(file, async () => {})
    expect(await readNotes(run.folder, 1)).toEqual([
      { file: 'a.test.ts', database: 'postgres', sessions: 0, tests: [] },
    ])
  })
})

describe('statements', () => {
  test('an SQL error does not end the test, whether anything was written before or not', async () => {
    await within(file, async () => {
      await within(aTest('expects errors'), async () => {
        await expect(worker.db.query('select nonsense')).rejects.toMatchObject({ code: '42703' })
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
              ? worker.db.query('select 1/0').catch(error => error.code)
              : worker.db.query('select $1::int as n', [n]).then(({ rows }) => rows[0].n),
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
        expect((await worker.db.query({ text: 'select $1::int', values: [1], rowMode: 'array' })).rows).toEqual([[1]])
        expect((await worker.db.query({ name: 'prepared', text: 'select $1::int as n' }, [2])).rows).toEqual([{ n: 2 }])
        const called = await new Promise(resolve => {
          worker.db.query('select 3 as n', (error, result) => resolve([error, result.rows]))
        })
        expect(called).toEqual([null, [{ n: 3 }]])
        const failed = await new Promise(resolve => {
          worker.db.query('select $1::int / 0', [4], error => resolve((error as Error & { code: string }).code))
        })
        expect(failed).toBe('22012')
        const cursor = worker.db.query(new Cursor('select generate_series(1, 5) as n'))
        expect([await cursor.read(2), await cursor.read(2)]).toEqual([
          [{ n: 1 }, { n: 2 }],
          [{ n: 3 }, { n: 4 }],
        ])
        await cursor.close()
        const rows = []
        for await (const row of worker.db.query(new QueryStream('select generate_series(1, 3) as n'))) rows.push(row)
        expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
      }),
    )
  })

  test('a cursor that a test leaves open is in nobody’s way', async () => {
    await within(file, async () => {
      await within(aTest('reads half'), async () => {
        const cursor = worker.db.query(new Cursor('select generate_series(1, 5) as n'))
        await cursor.read(2)
      })
      await within(aTest('next'), async () => expect(await bodies()).toEqual([]))
    })
  })

  test('an error’s stack names the line that sent the statement', async () => {
    await within(file, () =>
      within(aTest('stack'), async () => {
        const error: Error = await worker.db.query('select nonsense').catch(caught => caught)
        expect(error.stack?.split('\n')[1]).toContain('open-worker.test.ts')
      }),
    )
  })

  test('BEGIN, COMMIT and ROLLBACK of the code under test act as on a connection of its own', async () => {
    await within(file, () =>
      within(aTest('transactions'), async () => {
        expect((await worker.db.query('begin')).command).toBe('BEGIN')
        await write('rolled back')
        expect((await worker.db.query('rollback')).command).toBe('ROLLBACK')
        await worker.db.query('start transaction')
        await write('committed')
        expect((await worker.db.query('commit')).command).toBe('COMMIT')
        await worker.db.query('begin')
        await write('lost')
        await expect(worker.db.query('select nonsense')).rejects.toMatchObject({ code: '42703' })
        await expect(write('refused')).rejects.toMatchObject({ code: '25P02' })
        expect((await worker.db.query('commit')).command).toBe('ROLLBACK')
        expect(await bodies()).toEqual(['committed'])
      }),
    )
    expect(await committed()).toEqual([])
  })

  test('savepoints belong into a transaction of the code’s own, as on any connection', async () => {
    await within(file, () =>
      within(aTest('savepoints'), async () => {
        await write('before')
        await expect(worker.db.query('savepoint a')).rejects.toMatchObject({ code: '25P01' })
        await worker.db.query('begin')
        await worker.db.query('savepoint a')
        await write('undone')
        await worker.db.query('rollback to savepoint a')
        await worker.db.query('release a')
        await write('kept')
        await worker.db.query('commit')
        await expect(worker.db.query('release savepoint a')).rejects.toMatchObject({ code: '25P01' })
        expect(await bodies()).toEqual(['before', 'kept'])
      }),
    )
  })

  test('deferred constraints are checked at the code’s COMMIT, and stay deferred for the next transaction', async () => {
    await within(file, () =>
      within(aTest('deferred'), async () => {
        for (let round = 0; round < 2; round++) {
          await worker.db.query('begin')
          await worker.db.query('insert into pair values (1, 2)')
          await expect(worker.db.query('commit')).rejects.toMatchObject({ code: '23503' })
          await worker.db.query('begin')
          await worker.db.query('insert into pair values (1, 2), (2, 1)')
          await worker.db.query('commit')
          await worker.db.query('delete from pair')
        }
      }),
    )
  })

  test('what a transaction may ask for is there as on a database of the test’s own', async () => {
    await within(file, () =>
      within(aTest('options'), async () => {
        await worker.db.query('begin isolation level serializable, read only')
        await expect(write('refused')).rejects.toMatchObject({ code: '25006' })
        await worker.db.query('rollback')
        await worker.db.query("begin; insert into note (body) values ('kept'); commit; select 1")
        await worker.db.query('begin')
        await write('chained')
        await worker.db.query('commit and chain')
        await write('undone')
        await worker.db.query('rollback')
        expect(await bodies()).toEqual(['chained', 'kept'])
      }),
    )
    expect(await committed()).toEqual([])
  })

  test('a statement that finds a way to commit gives the database up, for this process and the next', async () => {
    await within(file, async () => {
      await within(aTest('commits'), async () => {
        onTestFinished(openWayOut())
        await worker.db.query("insert into note (body) values ('1')")
        const escaping = worker.db.query(wayOut)
        await expect(escaping).rejects.toThrow(/ended the shared transaction/)
      })
      await expect(worker.enter(aTest('next'))).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
    })
    expect(await committed()).toEqual(['1'])
    expect(isSpoiled(run.folder, 1)).toBe(true)
    const nextProcess = await openWorker({ ...run, id: 'the same folder, another process' }, 1)
    await expect(nextProcess.enter(file)).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
    await nextProcess.close()
  })

  test('what the test did not wait for is cancelled or never sent, and reaches no other test', async () => {
    await within(file, async () => {
      let outcomes: Promise<unknown>[] = []
      await within(aTest('forgets to await'), async () => {
        outcomes = [
          worker.db.query("insert into note (body) select 'late' from pg_sleep(60)"),
          worker.db.query("insert into note (body) values ('later')"),
        ].map(query => query.catch(error => error.code))
      })
      expect(await Promise.all(outcomes)).toEqual(['57014', 'DB_AFTER_TEST'])
      await within(aTest('next'), async () => expect(await bodies()).toEqual([]))
    })
    expect(printed).toEqual([
      expect.stringMatching(
        /^seedbed {2}test "forgets to await" did not wait for a statement of client \d+ \([^)]+\), which was cancelled: insert into note \(body\) select 'late' from pg_sleep\(60\)$/,
      ),
    ])
  })

  test('a transaction that the test left open is ended, and said', async () => {
    await within(file, async () => {
      await within(aTest('forgets to commit'), async () => {
        await worker.db.query('begin')
        await write('lost')
      })
      await within(aTest('next'), async () => expect(await bodies()).toEqual([]))
    })
    expect(printed).toEqual([
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
      expect(printed).toEqual([])
      await within({ ...aTest('fails'), failed: true }, hangUp)
    })
    expect(printed).toContainEqual(
      expect.stringMatching(/client \d+ .* hung up in the midst of a transaction, .* insert into note/),
    )
  })

  test('after a transaction that was left open the client is another one, each time', async () => {
    await within(file, async () => {
      for (const name of ['first', 'second', 'third']) {
        await within(aTest(name), async () => {
          await worker.db.query('begin')
          await write('left open')
        })
      }
    })
    const clients = printed.map(line => Number(/while client (\d+) /.exec(line)![1]))
    const [first] = clients as [number]
    expect(clients).toEqual([first, first + 1, first + 2])
  })

  test('a lost connection fails the file with one reason, and the next file starts on a new one', async () => {
    await within(file, () =>
      within(aTest('loses it'), async () => {
        await write('x')
        await expect(worker.db.query('select pg_terminate_backend(pg_backend_pid())')).rejects.toThrow()
        await expect(bodies()).rejects.toThrow(/SESSION_LOST/)
      }),
    )
    await within({ id: 'another file', kind: 'file', name: 'b.test.ts' }, async () => {
      expect(await bodies()).toEqual([])
      await write('y')
      expect((await worker.db.query('select id from note')).rows).toEqual([{ id: 1 }])
    })
    expect((await readNotes(run.folder, 1)).map(({ sessions }) => sessions)).toEqual([2, 0])
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
        await within({ id: name, kind: 'file', name }, async () => {
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
      expect(await committed()).toEqual([])
      expect((await readNotes(run.folder, 1)).map(({ sessions }) => sessions)).toEqual([1, 0])
      expect(printed).toEqual([])
    }))

  test('a test that fails tells what it did', () =>
    inPool(async pool => {
      await worker.enter(file)
      const failing = aTest('fails')
      await worker.enter(failing)
      await pool.query("insert into note (body) values ('a'), ('b')")
      await pool.query('select nonsense').catch(() => {})
      await bodies()
      await worker.leave({ ...failing, failed: true })
      const silent = aTest('fails for another reason')
      await worker.enter(silent)
      await worker.leave({ ...silent, failed: true })
      await worker.leave(file)
      expect(printed).toEqual([
        'seedbed  test "fails" failed; in the database it had run INSERT once (2 rows), SELECT once (2 rows); 1 failed',
        'seedbed    rows at its end, against its begin: public.note +2',
      ])
    }))

  test('a test that fails and is of time is told that now() stands still', () =>
    inPool(async pool => {
      await worker.enter(file)
      const failing = aTest('is of time')
      await worker.enter(failing)
      await pool.query('select id from note order by created_at').catch(() => {})
      await worker.leave({ ...failing, failed: true })
      await worker.leave(file)
      expect(printed).toEqual([
        expect.stringContaining('test "is of time" failed'),
        expect.stringMatching(/now\(\) stands still in a test: .* select id from note order by created_at$/),
      ])
    }))

  test('concurrent tests that use it share a transaction, which is said, and rolled back', () =>
    inPool(async pool => {
      await within(file, async () => {
        const scopes = [aTest('one', true), aTest('two', true)]
        await Promise.all(
          scopes.map(scope =>
            within(scope, () => pool.query('insert into note (body) values ($1)', [scope.name]).then(() => {})),
          ),
        )
        expect(await bodies()).toEqual([])
        const alone = aTest('alone', true)
        await within(alone, () => pool.query('select 1').then(() => {}))
      })
      expect(printed).toEqual([
        expect.stringMatching(/concurrent tests have used DATABASE_URL at the same time \(INSERT 2 times \(2 rows\)\)/),
      ])
    }))

  test('sequences go back after each test where the config says so, also in a scope that has dropped one', async () => {
    run.sequences = 'test'
    await within(file, async () => {
      for (const name of ['first', 'second']) {
        await within(aTest(name), async () => {
          await write('x')
          expect((await worker.db.query('select id from note')).rows).toEqual([{ id: 1 }])
        })
      }
      await worker.db.query('drop table note')
      await within(aTest('third'), async () => void (await worker.db.query('select 1')))
    })
  })
})

describe('a client for one test', () => {
  test('refuses after its test', async () => {
    const scope = aTest('short')
    await within(file, async () => {
      let db: ReturnType<Worker['dbOf']>
      await within(scope, async () => {
        db = worker.dbOf(scope)
        await db.query('select 1')
        db.end()
      })
      await expect(db!.query('select 1')).rejects.toMatchObject({ code: 'DB_AFTER_TEST' })
    })
  })

  test('concurrent tests have sessions of their own, and plain db says why it cannot serve them', async () => {
    await within(file, async () => {
      const scopes = [aTest('one', true), aTest('two', true)]
      await Promise.all(
        scopes.map(scope =>
          within(scope, async () => {
            await expect(worker.db.query('select 1')).rejects.toMatchObject({ code: 'DB_CONCURRENT' })
            const db = worker.dbOf(scope)
            await db.query('insert into note (body) values ($1)', [scope.name])
            expect((await db.query('select body from note')).rows).toEqual([{ body: scope.name }])
            db.end()
          }),
        ),
      )
      expect(await bodies()).toEqual([])
    })
    const [note] = await readNotes(run.folder, 1)
    expect(note).toMatchObject({ sessions: 3 })
    expect(printed).toEqual([])
    expect(note?.tests).toHaveLength(2)
  })
})

describe('seeds', () => {
  test('loadSeed adds a file, all or nothing, and it is gone with its test', async () => {
    await writeFile(join(run.folder, 'more.json'), '{ "note": { "one": { "body": "one" }, "two": { "body": "two" } } }')
    await writeFile(join(run.folder, 'broken.json'), '{ "note": [{ "body": "three" }, { "body": null }] }')
    await within(file, async () => {
      await within(aTest('loads'), async () => {
        await write('before')
        const { note } = await loadSeed(worker.db, 'more.json')
        expect(note!.one).toMatchObject({ body: 'one' })
        await expect(loadSeed(worker.db, 'broken.json')).rejects.toThrow(/^broken\.json:1:/)
        expect(await bodies()).toEqual(['before', 'one', 'two'])
        await worker.db.query('begin')
        await worker.db.query("delete from note where body = 'before'")
        await loadSeed(worker.db, new URL(`file://${run.folder}/more.json`)).catch(() => {})
        await worker.db.query('rollback')
        expect(await bodies()).toEqual(['before', 'one', 'two'])
      })
      expect(await bodies()).toEqual([])
    })
  })

  test('can be printed and listed', async () => {
    const tables = { note: { columns: [{ name: 'id', type: 23 }], rows: { one: ['1'] } } }
    writeFacts(run.folder, { labels: { tables }, sequences: [] })
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
    expect(await openWorker(run, 1)).toBe(worker)
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
    await worker.enter(file)
    process.env[name] = value
    const entering = worker.enter(aTest('starts'))
    await expect(entering).rejects.toThrow(`${name} was changed after Seedbed had set it; it is now ${shown}.`)
    await expect(entering).rejects.not.toThrow(/secret/)
    await worker.leave(file)
  })

  test('a slot that the run did not prepare is refused', async () => {
    await expect(openWorker(run, 2)).rejects.toThrow('Worker 2 has no database: the run prepared 1.')
  })
})
