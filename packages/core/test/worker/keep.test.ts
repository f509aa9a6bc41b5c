import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { reportLines } from '../../src/run/report-lines.js'
import type { RunReport } from '../../src/run/report.js'
import type { RunHandle } from '../../src/run/run-handle.js'
import { startRun, type Run } from '../../src/run/start-run.js'
import { withDatabase } from '../../src/server/database-url.js'
import { db } from '../../src/worker/current.js'
import { currentWorker } from '../../src/worker/open-worker.js'
import { openScopes, type Scope, type WorkerScopes } from '../../src/worker/scopes.js'
import { useProject } from '../run/support.js'
import { query } from '../server/support.js'
import { aConcurrentTest, aFile, aSuite, aTest, within } from './support.js'

let server: PostgresForTests
let run: Run
let isOver: boolean
let scopes: WorkerScopes
let printed: string[]
const project = useProject()

beforeAll(async () => {
  server = await startPostgres()
  await onServer('postgres', "create role tester login createdb password 'secret'")
})
afterAll(() => server.stop())

beforeEach(async () => {
  printed = []
  isOver = true
  process.env.SEEDBED_KEEP = 'failed'
  process.env.TEST_DATABASE_URL = server.urlFor({ user: 'tester', password: 'secret' })
  await project.write({
    'migrations/1.sql': `
      -- a template of this test's own: ${project.folder}
      create table item (id int generated always as identity primary key, name text, other int);
      create table pair (id int primary key, other int references pair deferrable initially deferred)`,
    'seeds/item.json': '{ "item": [{ "name": "of the seed" }] }',
  })
})
afterEach(async () => {
  if (!isOver) await finish()
  for (const name of await keptDatabases()) await onServer('postgres', `drop database "${name}"`)
})

async function start(slots = 1): Promise<RunHandle> {
  run = await startRun({ folder: project.folder, slots })
  isOver = false
  await open()
  return run.handle
}
async function finish(): Promise<RunReport> {
  await scopes.close()
  isOver = true
  return run.close()
}
async function open(handle: RunHandle = run.handle) {
  scopes = await openScopes(handle, 1, { print: line => printed.push(line) })
}

const onServer = (database: string, sql: string) => query<{ name: string }>(withDatabase(server.url, database), sql)
const namesOf = async (database: string, sql: string) => (await onServer(database, sql)).map(({ name }) => name)
const keptDatabases = () =>
  namesOf('postgres', "select datname as name from pg_database where datname like 'kept%' order by name")
const kept = async () => (await keptDatabases()).at(-1)!

const file = aFile('src/item.test.ts')
const suite = aSuite('a suite')
const add = (name: string) => db.query(`insert into item (name) values ('${name}')`)
const names = async () => (await db.query('select name from item order by id')).rows.map(({ name }) => name)
const seen = (database: string) => namesOf(database, 'select name from item order by id')

const failing = (scope: Scope, work: () => Promise<unknown>) => within({ ...scope, failed: true }, work)

describe('what a failed test saw', () => {
  test('is kept under a name that people know it by, and the next test is on the seed at the same URL', async () => {
    await start()
    const { DATABASE_URL } = process.env
    const pool = new pg.Pool({ connectionString: DATABASE_URL! })
    await within(file, async () => {
      await failing(aTest('renames'), () => pool.query("insert into item (name) values ('of the test')"))
      await within(aTest('the next'), async () => {
        expect(await names()).toEqual(['of the seed'])
        expect((await pool.query('select name from item')).rows).toEqual([{ name: 'of the seed' }])
        await add('of the next')
      })
      expect(process.env.DATABASE_URL).toBe(DATABASE_URL)
    })
    await pool.end()
    expect(await kept()).toMatch(/^kept_item_renames_[0-9a-f]{8}$/)
    expect(await seen(await kept())).toEqual(['of the seed', 'of the test'])
    expect(printed.slice(-3)).toEqual([
      'seedbed  what test "renames" saw is kept for seven days:',
      `  psql '${withDatabase(server.urlFor({ user: 'tester' }), await kept())}'`,
      '  (psql asks for the password in environments.test.url (by default TEST_DATABASE_URL))',
    ])
  })

  test('is there after the run, whose report names it, and the databases of the workers are used again', async () => {
    await start(2)
    await within(file, async () => {
      await failing(aTest('fails'), () => add('of the first'))
      await within(suite, () => failing(aTest('fails too'), () => add('of the second')))
    })
    const report = await finish()
    const databases = report.kept.map(({ database }) => database)
    expect(await keptDatabases()).toEqual([...databases].sort())
    expect(report).toMatchObject({
      dropped: [],
      databases: { cloned: 4, recycled: 0 },
      kept: [{ test: 'src/item.test.ts > fails' }, { test: 'src/item.test.ts > a suite > fails too' }],
    })
    expect(linesOf(report)).toEqual([
      'seedbed  kept for seven days: src/item.test.ts > fails',
      expect.stringContaining(`/${databases[0]!}'`),
      '  (psql asks for the password in environments.test.url (by default TEST_DATABASE_URL))',
      'seedbed  kept for seven days: src/item.test.ts > a suite > fails too',
      expect.stringContaining(`/${databases[1]!}'`),
      '  (psql asks for the password in environments.test.url (by default TEST_DATABASE_URL))',
    ])
    expect([...printed, ...reportLines(report)].join('\n')).not.toContain('secret')

    const second = await startRun({ folder: project.folder, slots: 2 })
    expect(await second.close()).toMatchObject({ databases: { cloned: 0, recycled: 2 }, dropped: [], kept: [] })
    expect(await Promise.all(databases.map(seen))).toEqual([
      ['of the seed', 'of the first'],
      ['of the seed', 'of the second'],
    ])
  })

  test('is nothing where the test has passed, or no database was used, or nothing is to be kept', async () => {
    await start()
    await within(file, async () => {
      await failing(aTest('of no database'), async () => {})
      await within(aTest('passes'), () => add('of the test'))
    })
    expect(await finish()).toMatchObject({ kept: [], dropped: [], databases: { cloned: 1, recycled: 0 } })

    process.env.SEEDBED_KEEP = ''
    const { keep } = await start()
    expect(keep).toBe(false)
    await within(file, () => failing(aTest('fails'), () => add('of the test')))
    expect(await keptDatabases()).toEqual([])
  })

  test('goes with open transactions, and without one that has failed', async () => {
    await start()
    const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL!, max: 2 })
    const open = await pool.connect()
    await within(file, async () => {
      await failing(aTest('in a transaction'), async () => {
        await open.query('begin')
        await open.query("insert into item (name) values ('not committed')")
      })
      expect(await seen(await kept())).toEqual(['of the seed', 'not committed'])
      expect(printed[0]).toMatch(/was in a transaction, which was kept as it stood; its last statement: insert into/)
      printed = []
      await open.query('rollback').catch(() => {})
      await failing(aTest('in one that has failed'), async () => {
        await add('of the test')
        await open.query('begin')
        await open.query('select 1/0').catch(() => {})
      })
      expect(printed[0]).toMatch(/was in a transaction, which was rolled back; its last statement: select 1\/0/)
    })
    open.release(true)
    await pool.end()
    expect(await Promise.all((await keptDatabases()).map(seen))).toEqual(
      expect.arrayContaining([['of the seed', 'of the test']]),
    )
  })

  test('is kept of a sandbox in a thread of its own, too', async () => {
    await project.write({ 'seedbed.config.json': '{ "ownThread": true }' })
    await start()
    await within(file, async () => {
      await failing(aTest('fails'), () => add('of the test'))
      await within(aTest('the next'), async () => expect(await names()).toEqual(['of the seed']))
    })
    expect(await seen(await kept())).toEqual(['of the seed', 'of the test'])
    expect(await finish()).toMatchObject({ dropped: [], sessions: 2 })
  })

  test('is that of the first failure where a test is repeated', async () => {
    await start()
    await within(file, async () => {
      for (const attempt of ['first', 'second']) await failing(aTest('repeated'), () => add(attempt))
    })
    expect((await keptDatabases()).length).toBe(1)
    expect(await seen(await kept())).toEqual(['of the seed', 'first'])
  })
})

describe('the scopes around it', () => {
  test('lose what they had run, so that their other tests do not run, and those outside do', async () => {
    await start()
    await within(file, async () => {
      await within(suite, async () => {
        await add('of the suite')
        await failing(aTest('fails'), () => add('of the test'))
        expect(await seen(await kept())).toEqual(['of the seed', 'of the suite', 'of the test'])
        expect(printed.at(-1)).toBe('seedbed  with it went what describe "a suite" had run: its other tests do not run')
        const entering = scopes.enter(aTest('the next'))
        await expect(entering).rejects.toMatchObject({ code: 'KEPT_WITH_TEST' })
        await expect(entering).rejects.toThrow(
          'What describe "a suite" had written before its tests was kept with test "fails", which has failed.',
        )
        await scopes.leave(aTest('the next'))
      })
      await within(aTest('outside'), async () => expect(await names()).toEqual(['of the seed']))
    })
    await within({ ...file, id: 'another file' }, async () => {
      await add('of the file')
      await within(aTest('in another file'), async () => expect(await names()).toEqual(['of the seed', 'of the file']))
    })
  })

  test('hold no concurrent test that is kept, which is said', async () => {
    await start()
    await within(file, async () => {
      const concurrent = aConcurrentTest('concurrent')
      await scopes.enter(concurrent)
      await currentWorker('db').dbOf(concurrent).query("insert into item (name) values ('of the test')")
      await scopes.leave({ ...concurrent, failed: true })
    })
    expect(printed.at(-1)).toBe(
      'seedbed  what test "concurrent" saw is not kept: it is concurrent, and shares its database with other tests',
    )
    expect(await keptDatabases()).toEqual([])
  })
})

describe('what cannot be kept', () => {
  test('a deferred constraint that does not hold is named, nothing is kept, and the run goes on where it was', async () => {
    await start()
    await within(file, async () => {
      await add('of the file')
      await failing(aTest('fails'), async () => {
        await db.query('begin')
        await db.query('insert into pair values (1, 2)')
      })
      expect(printed.at(-1)).toBe(
        'seedbed  what test "fails" saw is not kept: insert or update on table "pair" violates foreign key constraint ' +
          '"pair_other_fkey" (Key (other)=(2) is not present in table "pair".)',
      )
      await within(aTest('the next'), async () => expect(await names()).toEqual(['of the seed', 'of the file']))
    })
    expect(await finish()).toMatchObject({ databases: { cloned: 2 }, dropped: [], kept: [] })
  })

  test('leaves the database that was made for it to the next that fails', async () => {
    await start()
    await within(file, async () => {
      await failing(aTest('fails'), async () => {
        await db.query('begin')
        await db.query('insert into pair values (1, 2)')
      })
      await failing(aTest('fails too'), () => add('of the second'))
    })
    expect(await finish()).toMatchObject({
      databases: { cloned: 2 },
      dropped: [],
      kept: [{ test: 'src/item.test.ts > fails too' }],
    })
  })

  test('a COMMIT that the server refuses is named, and the next file goes on', async () => {
    await start()
    await within(file, () =>
      failing(aTest('fails'), async () => {
        // PostgreSQL looks at this combination at the very COMMIT.
        await db.query('create temp table parent (id int primary key) on commit delete rows')
        await db.query('create temp table child (id int references parent)')
      }),
    )
    expect(printed.at(-1)).toMatch(/^seedbed {2}what test "fails" saw is not kept: unsupported ON COMMIT/)
    await within({ ...file, id: 'another file' }, async () => expect(await names()).toEqual(['of the seed']))
    expect(await finish()).toMatchObject({ dropped: [], kept: [] })
  })

  test('a worker that is killed before its database is kept: the next one is on the seed, and that one is dropped', async () => {
    run = await startRun({ folder: project.folder, slots: 1 })
    isOver = false
    const { database } = run.handle.workers[0]!
    const worker = fork(fileURLToPath(new URL('./killed-while-kept.mjs', import.meta.url)), [
      JSON.stringify(run.handle),
    ])
    await once(worker, 'exit')
    expect(worker.signalCode).toBe('SIGKILL')
    await open()
    await within({ ...file, id: 'another file' }, async () => expect(await names()).toEqual(['of the seed']))
    expect(process.env.PGDATABASE).not.toBe(database)
    expect(await finish()).toMatchObject({
      kept: [],
      dropped: expect.arrayContaining([{ database, reason: 'its worker ended while a failed test was to be kept' }]),
    })
  })

  test('where the session is lost in the midst of its COMMIT no test runs in that database any more', async () => {
    const { workers } = await start()
    const { sandbox } = await scopes.inSandbox()
    const { leave } = sandbox
    await within(file, async () => {
      sandbox.leave = async options => {
        await leave(options)
        sandbox.leave = leave
        throw Object.assign(new Error('Connection terminated'), { code: 'SESSION_LOST' })
      }
      await failing(aTest('fails'), () => add('of the test'))
      expect(printed.at(-1)).toBe('seedbed  what test "fails" saw is not kept: Connection terminated')
      await expect(scopes.enter(aTest('the next'))).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
    })
    await expect(scopes.enter({ ...file, id: 'another file' })).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
    expect((await finish()).dropped).toEqual(
      expect.arrayContaining([expect.objectContaining({ database: workers[0]!.database })]),
    )
  })

  test('where somebody else is in the database, which is then dropped', async () => {
    const { workers } = await start()
    const visitor = new pg.Client(workers[0]!.url)
    visitor.on('error', () => {})
    await visitor.connect()
    await within(file, async () => {
      await failing(aTest('fails'), () => add('of the test'))
      expect(printed.at(-1)).toMatch(/^seedbed {2}what test "fails" saw is not kept: .*being accessed by other users/)
      await within(aTest('the next'), async () => expect(await names()).toEqual(['of the seed']))
    })
    expect(await finish()).toMatchObject({
      kept: [],
      dropped: [{ database: workers[0]!.database, reason: expect.stringContaining('it could not be kept: ') }],
    })
    await visitor.end().catch(() => {})
  })
})

describe('the next worker of the same slot', () => {
  test('is on the database that was given for the one that was kept', async () => {
    const handle = await start()
    await within(file, () => failing(aTest('fails'), () => add('of the test')))
    await scopes.close()
    // As a process of its own would begin.
    Reflect.deleteProperty(globalThis, Symbol.for('seedbed.scopes'))
    await open(handle)
    await within(file, async () => expect(await names()).toEqual(['of the seed']))
    expect(process.env.PGDATABASE).toBe(scopes.assigned.database)
    expect(await finish()).toMatchObject({ dropped: [] })
    expect(existsSync(handle.folder)).toBe(false)
  })
})

/** Those that tell of what is kept. */
function linesOf(report: RunReport): string[] {
  // Where CI is set it is in colour.
  const lines = reportLines(report).map(stripVTControlCharacters)
  return lines.slice(lines.findIndex(line => line.includes('kept for seven days')))
}
