import { expect, test } from 'vitest'
import { makeProject } from './support/project.js'

/** Each adds a row; what the next one sees is what the last one left. */
const preamble = `
  import { db } from 'seedbed'
  const names = async () => (await db.query('select name from users order by id')).rows.map(row => row.name)
  const add = name => db.query('insert into users (name) values ($1)', [name])
  const isClean = async () => expect(await names()).toEqual(['Ada', 'Grace'])`

test('a test that fails, is skipped, is to do or times out leaves nothing', async () => {
  await using project = await makeProject({
    'a.test.js': `${preamble}
      test('fails', async () => {
        await add('failed')
        throw new Error('on purpose')
      })
      test('after it', isClean)
      test.skip('skipped', () => add('skipped'))
      test.todo('to do')
      test('after those', isClean)
      test('takes too long', async () => {
        await add('late')
        await new Promise(() => {})
      })
      test('after the time-out', isClean)`,
  })
  const { tests, exitCode } = await project.run({ timeout: 1_000 })
  expect(exitCode).toBe(1)
  expect(tests).toMatchObject({
    fails: ['failed'],
    'after it': ['passed'],
    'after those': ['passed'],
    'takes too long': ['failed'],
    'after the time-out': ['passed'],
  })
})

test('each attempt of a repeated test starts afresh', async () => {
  await using project = await makeProject(
    {
      'a.test.js': `${preamble}
        let attempts = 0
        test('passes at the third attempt', async () => {
          attempts += 1
          await isClean()
          await add('of an attempt')
          expect(attempts).toBe(3)
        })
        test('after it', isClean)`,
    },
    { retries: 2 },
  )
  const { tests } = await project.run()
  expect(tests).toEqual({ 'passes at the third attempt': ['passed'], 'after it': ['passed'] })
})

test('hooks run in the scope they belong to, in every order, and failing ones leave nothing', async () => {
  await using project = await makeProject({
    'a.test.js': `${preamble}
      const seen = []
      beforeAll(() => add('file'))
      beforeEach(() => add('each 1'))
      beforeEach(async () => void seen.push(await names()))
      describe('outer', () => {
        beforeAll(() => add('outer'))
        beforeEach(() => add('each 2'))
        afterEach(async () => void seen.push(await names()))
        test('sees all', async () => {
          expect(await names()).toEqual(['Ada', 'Grace', 'file', 'outer', 'each 1', 'each 2'])
          await add('test')
        })
        afterAll(async () => expect(await names()).toEqual(['Ada', 'Grace', 'file', 'outer']))
      })
      test('what the hooks saw', async () => {
        expect(seen.slice(0, 2)).toEqual([
          ['Ada', 'Grace', 'file', 'outer', 'each 1'],
          ['Ada', 'Grace', 'file', 'outer', 'each 1', 'each 2', 'test'],
        ])
      })
      describe('with a beforeEach that fails', () => {
        beforeEach(async () => {
          await add('of the failing hook')
          throw new Error('on purpose')
        })
        test('does not run', () => {})
      })
      describe('with an afterEach that fails', () => {
        afterEach(async () => {
          await add('of the failing hook')
          throw new Error('on purpose')
        })
        test('fails by its hook', () => {})
      })
      describe('with a beforeAll that fails', () => {
        beforeAll(async () => {
          await add('of the failing hook')
          throw new Error('on purpose')
        })
        test('does not run either', () => {})
      })
      test('after them', async () => expect(await names()).toEqual(['Ada', 'Grace', 'file', 'each 1']))`,
  })
  const { tests } = await project.run()
  expect(tests).toMatchObject({
    'sees all': ['passed'],
    'what the hooks saw': ['passed'],
    'does not run': ['failed'],
    'fails by its hook': ['failed'],
    'after them': ['passed'],
  })
})

test('a test that forgets to await, and one that leaves its transaction open, harm nobody and are told', async () => {
  await using project = await makeProject({
    'a.test.js': `${preamble}
      import pg from 'pg'
      const pool = new pg.Pool()
      test('forgets to await', () => {
        void db.query("insert into users (name) select 'late' from pg_sleep(0.3)").catch(() => {})
      })
      test('after it', isClean)
      test('forgets to commit', async () => {
        const client = await pool.connect()
        await client.query('begin')
        await client.query("update users set name = 'lost' where id = 1")
      })
      test('after the transaction', isClean)`,
  })
  const { tests, output } = await project.run()
  expect(output).not.toContain('Cannot')
  expect(tests).toMatchObject({ 'after it': ['passed'], 'after the transaction': ['passed'] })
  expect(output).toMatch(
    /test "forgets to commit" ended while client \d+ \(opened at a\.test\.js:\d+:\d+\) was in a transaction, which was rolled back; its last statement: update users set name = 'lost' where id = 1/,
  )
})

test('concurrent tests: the plain db is refused, and no row stays', async () => {
  await using project = await makeProject({
    'a.test.js': `${preamble}
      import pg from 'pg'
      const pool = new pg.Pool()
      test('before', isClean)
      test.concurrent('plain db', () => expect(db.query('select 1')).rejects.toMatchObject({ code: 'DB_CONCURRENT' }))
      test.concurrent('a pool', () => pool.query("insert into users (name) values ('of the pool')"))
      test('afterwards', isClean)`,
  })
  const { tests } = await project.run()
  expect(tests).toEqual({ before: ['passed'], 'plain db': ['passed'], 'a pool': ['passed'], afterwards: ['passed'] })
})
