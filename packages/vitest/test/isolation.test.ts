import { expect, test } from 'vitest'
import { application, isolationTests } from '../../../test/contract/test/support/isolation-tests.js'
import { makeProject, vitestMajor } from './support/project.js'

/** The tests below run under a Vitest of their own, in every pool. */
const suite = `
  import { test, db, seeds } from '@seedbed/vitest'
  import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test as plain } from 'vitest'

  import { everybody, rename } from './application.js'
  ${isolationTests}

  test('starts on the same by the fixtures', async ({ db, seeds }) => {
    expect(await names()).toEqual(['Ada', 'Grace', 'of each', 'of the file'])
    await db.query('update users set name = $1 where id = $2', ['Countess', seeds.users.ada.id])
    expect(await names()).toContain('Countess')
  })
  let attempts = 0
  // Not with ours: a test of test.extend() is not retried by Vitest 3.2.
  plain('starts afresh at each retry', { retry: 2 }, async () => {
    attempts += 1
    await add('of an attempt')
    expect(await names()).toHaveLength(5)
    expect(attempts).toBe(3)
  })
  test.skip('is skipped', () => {})
  test.todo('is to do')
  test('skips itself half-way', async ({ skip }) => {
    await add('of the skipped')
    skip()
  })
  test('sees nothing of the skipped', async () => expect(await names()).not.toContain('of the skipped'))
  test('has the worker’s environment', () => {
    expect(process.env.ENVIRONMENT + process.env.NODE_ENV).toBe('testtest')
    expect(new URL(process.env.DATABASE_URL).pathname.slice(1)).toBe(process.env.PGDATABASE)
  })`

test.each([
  { pool: 'forks', isolate: true },
  { pool: 'forks', isolate: false },
  { pool: 'threads', isolate: true },
  { pool: 'threads', isolate: false },
  { pool: 'vmThreads', isolate: true },
])('tests, files and workers are kept apart in $pool, isolate $isolate', async ({ pool, isolate }) => {
  await using project = await makeProject({
    'application.js': application,
    'a.test.ts': suite,
    'b.test.ts': suite,
    'c.test.ts': suite,
  })
  const args = ['run', `--pool=${pool}`, `--isolate=${isolate}`, '--maxWorkers=2']
  const first = await project.vitest({ args })
  expect(first.output).toMatch(/Tests {2}51 passed \| 6 skipped \| 3 todo/)
  expect(first.exitCode).toBe(0)
  expect(first.output).toMatch(
    /seedbed {2}embedded PostgreSQL 18\.\d+ \w+ · template built: the first of this project · 2 databases cloned · ready in \d+ ms · \d\.\d\d ms a test/,
  )
  const second = await project.vitest({ args })
  expect(second.exitCode).toBe(0)
  // Vitest 3.2 ends its vm threads after the global teardown: what they still use is dropped, and cloned anew.
  const endsTooLate = vitestMajor === 3 && pool === 'vmThreads'
  expect(second.output).toMatch(endsTooLate ? /template reused · / : /template reused · 2 databases recycled/)
})

test('concurrent tests get sandboxes of their own through the fixture, and a clear error without it', async () => {
  await using project = await makeProject({
    'concurrent.test.ts': `
      import { test, db as plain } from '@seedbed/vitest'
      import pg from 'pg'
      import { describe, expect } from 'vitest'
      const pool = new pg.Pool()
      describe.concurrent('at once', () => {
        test.for([1, 2, 3, 4])('%i', async (n, { db }) => {
          await db.query('insert into posts (user_id, title) values (1, $1)', ['post ' + n])
          expect((await db.query('select title from posts')).rows).toEqual([{ title: 'post ' + n }])
        })
      })
      test.concurrent('plain db', () => expect(plain.query('select 1')).rejects.toMatchObject({ code: 'DB_CONCURRENT' }))
      describe.concurrent('at once, but for one', () => {
        test('concurrent', ({ db }) => db.query("insert into posts (user_id) values (1)"))
        test('in sequence', { concurrent: false }, async () => expect((await pool.query('select from posts')).rowCount).toBe(0))
      })
      test('afterwards', async () => expect((await plain.query('select from posts')).rowCount).toBe(0))`,
    'sequential.test.ts': `
      import { test, db as plain } from '@seedbed/vitest'
      import { describe, expect } from 'vitest'
      describe.concurrent('at once, but for two', () => {
        test('concurrent', ({ db }) => db.query("insert into posts (user_id) values (1)"))
        // Vitest 5 has no such member, and 3.2 no such option.
        const alone = test.sequential ?? ((name, run) => test(name, { concurrent: false }, run))
        alone('in sequence', async ({ db }) => {
          await db.query("insert into posts (user_id) values (1)")
          expect((await plain.query('select from posts')).rowCount).toBe(1)
        })
        alone('behind it', async ({ db }) => expect((await db.query('select from posts')).rowCount).toBe(0))
      })`,
  })
  const { output, exitCode } = await project.vitest()
  expect(output).toMatch(/Tests {2}11 passed/)
  expect(exitCode).toBe(0)
})

test.skipIf(vitestMajor < 4)('an aroundEach of the user stands inside the test’s scope', async () => {
  await using project = await makeProject({
    'around.test.ts': `
      import { test, db } from '@seedbed/vitest'
      import { aroundEach, expect } from 'vitest'
      aroundEach(async runTest => {
        await db.query("insert into posts (user_id, title) values (1, 'around')")
        await runTest()
        await db.query("insert into posts (user_id, title) values (1, 'after')")
      })
      test.for([1, 2])('%i', async () => {
        expect((await db.query('select title from posts')).rows).toEqual([{ title: 'around' }])
      })`,
  })
  const { output } = await project.vitest()
  expect(output).toMatch(/Tests {2}2 passed/)
})

test('what a test left open is said, and what a failed test did', async () => {
  await using project = await makeProject({
    'footprint.test.ts': `
      import { test } from 'vitest'
      import pg from 'pg'
      const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
      test('forgets to commit', async () => {
        const client = await pool.connect()
        await client.query('begin')
        await client.query("update users set name = 'lost' where id = 1")
      })
      test('fails', async () => {
        await pool.query("insert into posts (user_id) values (1), (2)")
        await pool.query('select 1/0').catch(() => {})
        throw new Error('on purpose')
      })
      test.fails('fails as expected', () => pool.query('select 1/0'))
      test('passes', () => pool.query('select 1'))`,
  })
  const { output } = await project.vitest()
  expect(output).toContain('seedbed    rows at its end, against its begin: public.posts +2')
  expect(output.match(/^seedbed {2}test .*$/gm)).toEqual([
    expect.stringMatching(
      /test "forgets to commit" ended while client \d+ \(opened at footprint\.test\.ts:\d+:\d+\) was in a transaction, which was rolled back; its last statement: update users set name = 'lost' where id = 1/,
    ),
    'seedbed  test "fails" failed; in the database it had run INSERT once (2 rows); 1 failed',
  ])
})
