import { startPostgres } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { application } from './support/isolation-tests.js'
import { makeProject, runner } from './support/project.js'

const helpers = `
  import { db, isolation, seeds } from 'seedbed'
  import { everybody, rename } from './application.js'
  const add = name => db.query('insert into users (name) values ($1)', [name])
  const transaction = async () => (await db.query('select pg_current_xact_id()::text as id')).rows[0].id
  // In a sandbox all statements are of one transaction.
  const commits = async () => (await transaction()) !== (await transaction())
  const database = async () => (await db.query('select current_database() as name')).rows[0].name
`
const seed = ['Ada', 'Grace']

/** Runs one file of tests; answers with how each has ended, and with what was printed. */
async function outcome(body: string, { config = {}, files = {}, env = {}, ...options } = {}) {
  await using project = await makeProject({
    'application.js': application,
    'seedbed.config.json': JSON.stringify(config),
    ...files,
    'chosen.test.js': helpers + body,
  })
  const { tests, output, exitCode } = await project.run({ workers: 1, env, ...options })
  const ended = Object.fromEntries(Object.entries(tests).map(([name, ends]) => [name, ends.join(' ')]))
  return { ended, output, exitCode }
}

test('a file, a describe and a test choose, and the innermost counts', async () => {
  const { ended, output, exitCode } = await outcome(`
    test('by the config', async () => expect(await commits()).toBe(false))
    isolation('restore', test)('a test', async () => {
      expect(await commits()).toBe(true)
      await rename(1, 'committed')
    })
    isolation('restore', test).each([1, 2])('each of several %i', async () => {
      expect(await everybody()).toEqual(${JSON.stringify(seed)})
      expect(await commits()).toBe(true)
      await rename(2, 'committed')
    })
    describe('a describe', () => {
      isolation('restore')
      beforeAll(() => add('of the describe'))
      test('in it', async () => {
        expect(await commits()).toBe(true)
        expect(await everybody()).toEqual([...${JSON.stringify(seed)}, 'of the describe'])
        await rename(1, 'committed')
      })
      describe('further in', () => {
        test('inherits', async () => {
          expect(await commits()).toBe(true)
          expect(await everybody()).toEqual([...${JSON.stringify(seed)}, 'of the describe'])
        })
      })
    })
    isolation('database', describe)('databases', () => {
      const names = []
      test.each([1, 2])('its own %i', async () => {
        expect(await commits()).toBe(true)
        await db.query('alter table users add column age int')
        await db.query('create index concurrently on users (age)')
        names.push(await database())
        expect(new Set(names).size).toBe(names.length)
      })
      isolation('transaction', test)('back', async () => expect(await commits()).toBe(false))
    })
    isolation('restore', test)('changes the schema', () => db.query('create table other ()'))
    isolation('restore', test)('goes on elsewhere', async () => expect(await commits()).toBe(true))
    test('nothing is left', async () => {
      expect(await everybody()).toEqual(${JSON.stringify(seed)})
      expect((await db.query('select * from users limit 1')).fields.map(field => field.name)).toEqual(['id', 'name'])
      await add('next')
      expect((await db.query("select max(id) as id from users")).rows[0].id).toBe(3)
    })`)
  expect(new Set(Object.values(ended)), output).toEqual(new Set(['passed']))
  expect(Object.keys(ended)).toHaveLength(12)
  expect(exitCode).toBe(0)
})

test('a whole file, from its first line; another file stays with the config', async () => {
  const other = `
    import { db } from 'seedbed'
    test('another file', async () => {
      const ids = await Promise.all([1, 2].map(() => db.query('select pg_current_xact_id()::text as id')))
      expect(new Set(ids.map(({ rows }) => rows[0].id)).size).toBe(1)
    })`
  const { ended, output } = await outcome(
    `isolation('restore')
    beforeAll(() => add('of the file'))
    test('commits', async () => {
      expect(await commits()).toBe(true)
      expect(await everybody()).toEqual([...${JSON.stringify(seed)}, 'of the file'])
      await db.query('delete from users')
    })
    test('starts on the seed and what beforeAll committed', async () => {
      expect(await everybody()).toEqual([...${JSON.stringify(seed)}, 'of the file'])
    })`,
    { files: { 'other.test.js': other } },
  )
  expect(ended, output).toEqual({
    commits: 'passed',
    'starts on the seed and what beforeAll committed': 'passed',
    'another file': 'passed',
  })
})

test('sessions see what others have committed, hear NOTIFY, and time moves; another process as well', async () => {
  const child = `
    import pg from 'pg'
    const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
    await client.connect()
    await client.query("insert into users (name) values ('of a child')")
    await client.end()`
  const { ended, output } = await outcome(
    `
    import pg from 'pg'
    import { once } from 'node:events'
    import { spawn } from 'node:child_process'
    isolation('restore')
    test('several sessions', async () => {
      const [one, two] = [new pg.Client(process.env.DATABASE_URL), new pg.Client(process.env.DATABASE_URL)]
      await Promise.all([one.connect(), two.connect()])
      await one.query('begin')
      await one.query("insert into users (name) values ('hidden')")
      expect((await two.query('select name from users')).rows).toHaveLength(2)
      await one.query('commit')
      expect((await two.query('select name from users')).rows).toHaveLength(3)
      const heard = once(one, 'notification')
      await one.query('listen news')
      await two.query("select pg_notify('news', 'it is there')")
      expect((await heard)[0].payload).toBe('it is there')
      const first = (await one.query('select now() as now')).rows[0].now
      await two.query('select pg_sleep(0.01)')
      expect((await one.query('select now() as now')).rows[0].now.getTime()).toBeGreaterThan(first.getTime())
      await one.end()
      await two.end()
    })
    test('another process', async () => {
      const [code] = await once(spawn(process.execPath, ['child.mjs'], { stdio: 'inherit' }), 'exit')
      expect(code).toBe(0)
      expect(await everybody()).toEqual([...${JSON.stringify(seed)}, 'of a child'])
    })
    test('nothing is left', async () => expect(await everybody()).toEqual(${JSON.stringify(seed)}))`,
    { files: { 'child.mjs': child } },
  )
  expect(ended, output).toEqual({
    'several sessions': 'passed',
    'another process': 'passed',
    'nothing is left': 'passed',
  })
})

test('what a test leaves open is ended and named; its client is told, and goes on', async () => {
  const { ended, output } = await outcome(`
    import pg from 'pg'
    isolation('restore')
    const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, allowExitOnIdle: true })
    let client
    test('leaves a transaction open', async () => {
      client = await pool.connect()
      await client.query('begin')
      await client.query("insert into users (name) values ('not committed')")
    })
    test('is told', async () => {
      await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' })
      expect(await everybody()).toEqual(${JSON.stringify(seed)})
      await client.query('select pg_advisory_lock(42)')
    })
    test('finds the lock free', async () => {
      const { rows } = await db.query('select pg_try_advisory_lock(42) as free')
      expect(rows).toEqual([{ free: true }])
      client.release()
    })`)
  expect(ended, output).toEqual({
    'leaves a transaction open': 'passed',
    'is told': 'passed',
    'finds the lock free': 'passed',
  })
  expect(output).toMatch(
    /test "leaves a transaction open" ended while client \d+ .* was in a transaction, which was rolled back; its last statement: insert into users/,
  )
  expect(output).toMatch(
    /test "is told" ended while client \d+ .* held session locks, which were given back; its last statement: select pg_advisory_lock\(42\)/,
  )
})

test('after DDL the next test gets another database, and the test is named; where rows were committed before, the others are refused', async () => {
  const { ended, output } = await outcome(`
    isolation('restore')
    test('changes the schema', async () => {
      await db.query('alter table users add column age int')
      await add('committed')
    })
    test('starts afresh', async () => {
      expect((await db.query('select * from users order by id')).rows).toEqual([{ id: 1, name: 'Ada' }, { id: 2, name: 'Grace' }])
      await add('of the test')
    })
    describe('with rows', () => {
      beforeAll(() => add('of the describe'))
      test('changes it again', async () => {
        expect(await everybody()).toEqual([...${JSON.stringify(seed)}, 'of the describe'])
        await db.query('create table other ()')
      })
      test('would miss the rows', () => {})
    })
    test('starts afresh again', async () => expect(await everybody()).toEqual(${JSON.stringify(seed)}))`)
  expect(ended, output).toEqual({
    'changes the schema': 'passed',
    'starts afresh': 'passed',
    'changes it again': 'passed',
    'would miss the rows': 'failed',
    'starts afresh again': 'passed',
  })
  expect(output).toMatch(
    /test "changes the schema" has left what cannot be put back, so the next test gets another database: .*ALTER TABLE/,
  )
  expect(output).toContain(
    'What describe "with rows" had committed before its tests went with the database of test "changes it again".',
  )
})

test('a test that would not see the rows around it is refused, and so is one behind DDL that cannot be put back to', async () => {
  const { ended, output } = await outcome(`
    describe('in a transaction', () => {
      beforeAll(() => add('of the describe'))
      isolation('restore', test)('commits without them', () => {})
      test('sees them', async () => expect(await everybody()).toHaveLength(3))
    })
    describe('with DDL', () => {
      isolation('restore')
      beforeAll(() => db.query('create table other ()'))
      test('cannot go back to it', () => {})
    })
    describe('with a copy', () => {
      isolation('database')
      beforeAll(() => db.query('create table other ()'))
      test.each([1, 2])('copies it %i', async () => {
        expect((await db.query('select * from other')).rows).toEqual([])
        await db.query('drop table other')
      })
      afterAll(async () => expect((await db.query('select * from other')).rows).toEqual([]))
    })
    test('goes on', async () => expect(await everybody()).toEqual(${JSON.stringify(seed)}))`)
  expect(ended, output).toEqual({
    'commits without them': 'failed',
    'sees them': 'passed',
    'cannot go back to it': 'failed',
    'copies it 1': 'passed',
    'copies it 2': 'passed',
    'goes on': 'passed',
  })
  expect(output).toContain(
    `Test "commits without them" has isolation 'restore', and would not see what describe "in a transaction" has run before it under isolation 'transaction'.`,
  )
  expect(output).toContain(
    `Before its tests describe "with DDL" has run what cannot be put back under isolation 'restore': CREATE TABLE`,
  )
})

test('an isolation that is none, or that comes too late, is an error', async () => {
  const { ended, output } = await outcome(`
    test('too late', () => isolation('restore'))
    test('too late for one', () => isolation('restore', test)('inner', () => {}))
    test('unknown', () => expect(() => isolation('commit')).toThrow('there is no such isolation'))`)
  expect(ended, output).toEqual({ 'too late': 'failed', 'too late for one': 'failed', unknown: 'passed' })
  expect(output).toContain("isolation('restore') was called in a test or hook")
})

test('a test of two files in one process: each starts on the seed, and on the same database', async () => {
  const file = `
    import { db, isolation } from 'seedbed'
    isolation('restore')
    test('commits', async () => {
      expect((await db.query('select name from users order by id')).rows.map(row => row.name)).toEqual(${JSON.stringify(seed)})
      await db.query("insert into users (name) values ('committed')")
      process.stdout.write('on ' + (await db.query('select current_database() as name')).rows[0].name + ';')
    })`
  const { ended, output } = await outcome("test('none', () => {})", { files: { 'a.test.js': file, 'b.test.js': file } })
  expect(ended, output).toEqual({ commits: 'passed passed', none: 'passed' })
  expect(new Set([...output.matchAll(/on (\w+);/g)].map(([, name]) => name)).size).toBe(1)
})

test('as a role that may create databases and no more, on a server of one’s own', async () => {
  await using server = await startPostgres({ version: 15 })
  const admin = new Client(server.url)
  await admin.connect()
  await admin.query('create role tests login createdb')
  await admin.query('create database tests owner tests')
  await admin.end()
  const { ended, output } = await outcome(
    `
    isolation('restore')
    beforeAll(() => add('of the file'))
    test('commits', async () => {
      expect(await commits()).toBe(true)
      await rename(1, 'committed')
      await db.query('delete from users where id = 2')
    })
    test('starts on the seed and what beforeAll has committed', async () => {
      expect(await everybody()).toEqual([...${JSON.stringify(seed)}, 'of the file'])
    })
    isolation('database', describe)('a database', () => {
      test('is refused here', () => {})
    })
    test('changes the schema', () => db.query('alter table users add column age int'))
    test('would miss the rows', () => {})`,
    { env: { TEST_DATABASE_URL: server.urlFor({ user: 'tests', database: 'tests' }) } },
  )
  expect(ended, output).toEqual({
    commits: 'passed',
    'starts on the seed and what beforeAll has committed': 'passed',
    'is refused here': 'failed',
    'changes the schema': 'passed',
    'would miss the rows': 'failed',
  })
  expect(output).toContain('(ISOLATION_MIXED)')
  expect(output).toMatch(
    /test "changes the schema" has left what cannot be put back, so the next test gets another database: .* changed/,
  )
})

test.each(['restore', 'database'])('what a failed test has committed is kept: %s', async isolation => {
  const { ended, output } = await outcome(
    `
    test('fails', async () => {
      await add('to look at')
      expect(1).toBe(2)
    })
    test('goes on', async () => expect(await everybody()).toEqual(${JSON.stringify(seed)}))`,
    { config: { isolation }, env: { SEEDBED_KEEP: 'failed' } },
  )
  expect(ended, output).toEqual({ fails: 'failed', 'goes on': 'passed' })
  expect(output).toMatch(/what test "fails" saw is kept for seven days/)
})

test.runIf(runner.name === 'vitest')('concurrent tests that may commit have a database each', async () => {
  const { ended, output } = await outcome(`
    import { test as own } from '@seedbed/vitest'
    isolation('database')
    const names = new Set()
    for (const each of [1, 2, 3]) own.concurrent('at once ' + each, async ({ db }) => {
      await db.query('alter table users add column age int')
      await db.query('insert into users (name) values ($1)', ['of ' + each])
      const { rows } = await db.query('select name, current_database() as database from users order by id')
      expect(rows.map(row => row.name)).toEqual([...${JSON.stringify(seed)}, 'of ' + each])
      names.add(rows[0].database)
    })
    test('three', () => expect(names.size).toBe(3))`)
  expect(ended, output).toEqual({
    'at once 1': 'passed',
    'at once 2': 'passed',
    'at once 3': 'passed',
    three: 'passed',
  })
})
