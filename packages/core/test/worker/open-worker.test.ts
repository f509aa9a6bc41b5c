import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connectionVariables } from '../../src/run/connection-variables.js'
import { isSpoiled, readNotes, writeFacts } from '../../src/run/worker-files.js'
import type { RunHandle } from '../../src/run/run-handle.js'
import { loadSeed } from '../../src/seeds/load-seed.js'
import { seeds } from '../../src/worker/current.js'
import { openWorker, type Worker } from '../../src/worker/open-worker.js'
import type { Scope } from '../../src/worker/scopes.js'

let server: PostgresForTests
let direct: pg.Client
let run: RunHandle
let worker: Worker
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

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'seedbed-worker-test-'))
  runs += 1
  run = {
    id: `run ${runs}`,
    project: folder,
    folder,
    isolation: 'transaction',
    workers: [{ database: 'postgres', url: server.url, variables: connectionVariables(server.url, {}) }],
  }
  writeFacts(folder, {
    labels: { tables: {} },
    sequences: [{ schema: 'public', name: 'note_id_seq', lastValue: '1', isCalled: false }],
  })
  worker = openWorker(run, 1)
})
afterEach(async () => {
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
      await db.end()
      await worker.leave(only)
      await worker.leave(scope)
    }
    expect(ids).toEqual([[{ id: 1 }], [{ id: 1 }]])
    await worker.close()
  })

  test('a statement outside of any file is refused, and connects to nothing', async () => {
    await expect(write('nowhere')).rejects.toMatchObject({ code: 'DB_OUTSIDE_FILE' })
    await within(file, async () => {})
    expect(await readNotes(run.folder, 1)).toEqual([{ file: 'a.test.ts', sessions: 0, tests: [] }])
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
        const cursor = { submit() {} } as unknown as string
        await expect(worker.db.query(cursor)).rejects.toMatchObject({ code: 'DB_QUERY_OBJECT' })
      }),
    )
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

  test.each(['begin isolation level serializable', 'commit and chain', "prepare transaction 'x'"])(
    '%j is refused rather than half obeyed',
    async statement => {
      await within(file, () =>
        within(aTest('options'), async () => {
          await expect(worker.db.query(statement)).rejects.toMatchObject({ code: 'TRANSACTION_UNSUPPORTED' })
        }),
      )
    },
  )

  test('a COMMIT in disguise gives the database up, for this process and the next', async () => {
    await within(file, () =>
      within(aTest('commits'), async () => {
        await expect(worker.db.query("insert into note (body) values ('escaped'); commit")).rejects.toThrow(
          /test "commits" a statement ended the transaction.*escaped/,
        )
        await expect(bodies()).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
      }),
    )
    expect(isSpoiled(run.folder, 1)).toBe(true)
    const nextProcess = openWorker({ ...run, id: 'the same folder, another process' }, 1)
    await nextProcess.enter(file)
    await expect(nextProcess.db.query('select 1')).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
  })

  test.each([
    "insert into note (body) values ('escaped'); commit; begin",
    "insert into note (body) values ('escaped'); commit and chain",
    "insert into note (body) values ('escaped'); commit; begin; select 1/0",
  ])('a COMMIT in disguise that opens another transaction is noticed too: %s', async text => {
    await within(file, () =>
      within(aTest('commits'), async () => {
        await expect(worker.db.query(text)).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
      }),
    )
    expect(isSpoiled(run.folder, 1)).toBe(true)
  })

  test('a longer text with BEGIN and END in a function’s body ends nothing', async () => {
    await within(file, () =>
      within(aTest('defines'), async () => {
        await write('kept')
        await worker.db.query(
          'create function one() returns int language plpgsql as $$ begin return 1; end $$; select one()',
        )
        expect(await bodies()).toEqual(['kept'])
      }),
    )
    expect(isSpoiled(run.folder, 1)).toBe(false)
  })

  test('a statement that the test did not wait for is cancelled, and reaches no other test', async () => {
    await within(file, async () => {
      let outcome: Promise<unknown> = Promise.resolve()
      await within(aTest('forgets to await'), async () => {
        outcome = worker.db.query("insert into note (body) select 'late' from pg_sleep(60)").catch(error => error.code)
      })
      expect(await outcome).toBe('57014')
      await within(aTest('next'), async () => expect(await bodies()).toEqual([]))
    })
  })

  test('a lost connection fails the file with one reason, and the next file starts on a new one', async () => {
    await within(file, () =>
      within(aTest('loses it'), async () => {
        await write('x')
        await expect(worker.db.query('select pg_terminate_backend(pg_backend_pid())')).rejects.toThrow()
        await expect(bodies()).rejects.toMatchObject({ code: 'SESSION_LOST' })
      }),
    )
    await within({ id: 'another file', kind: 'file', name: 'b.test.ts' }, async () =>
      expect(await bodies()).toEqual([]),
    )
    expect((await readNotes(run.folder, 1)).map(({ sessions }) => sessions)).toEqual([1, 1])
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
        await db.end()
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
            await db.end()
          }),
        ),
      )
      expect(await bodies()).toEqual([])
    })
    const [note] = await readNotes(run.folder, 1)
    expect(note).toMatchObject({ sessions: 3 })
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
  test('is set before anything connects, and holds no other connection parameter', () => {
    process.env.PGHOSTADDR = '192.0.2.1'
    process.env.PGSSLMODE = 'require'
    openWorker({ ...run, id: 'again' }, 1)
    expect(process.env).toMatchObject({
      ENVIRONMENT: 'test',
      NODE_ENV: 'test',
      DATABASE_URL: server.url,
      PGHOST: server.folder,
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

  test('a slot that the run did not prepare is refused', () => {
    expect(() => openWorker(run, 2)).toThrow('Worker 2 has no database: the run prepared 1.')
  })
})
