import { expect, test } from 'vitest'
import { makeProject } from '../support/project.js'

const passing = `
  import { db } from 'seedbed'
  test('ran', async () => expect((await db.query('select name from users where id = 1')).rows).toStrictEqual([{ name: 'Ada' }]))`

test('withSeedbed: beside another preset, and around its environment', async () => {
  await using project = await makeProject({
    'jest.config.js': `
      const withSeedbed = require('@seedbed/jest/with-seedbed')
      module.exports = withSeedbed({ preset: './theirs/jest-preset.js', setupFiles: ['./setup.js'] })`,
    'theirs/jest-preset.js': `module.exports = { testEnvironment: 'jsdom', setupFiles: ['./first.js'] }`,
    'first.js': 'globalThis.order = ["theirs"]',
    'setup.js': 'globalThis.order.push(typeof document)',
    'a.test.js': `${passing}
      test('has all of theirs', () => expect(order).toEqual(['theirs', 'object']))`,
  })
  const { tests } = await project.run()
  expect(tests).toEqual({ ran: ['passed'], 'has all of theirs': ['passed'] })
})

test('several projects, each with migrations of its own or the same, run side by side', async () => {
  await using project = await makeProject({
    'jest.config.js': `
      const withSeedbed = require('@seedbed/jest/with-seedbed')
      const project = displayName => ({ displayName, testPathIgnorePatterns: ['/other/'] })
      module.exports = withSeedbed({ projects: [project('one'), project('two'), '<rootDir>/other'] })`,
    'a.test.js': passing,
    'other/package.json': '{}',
    'other/jest.config.js': `module.exports = { preset: '@seedbed/jest' }`,
    'other/migrations/1.sql': 'create table cats (name text)',
    'other/b.test.js': `
      import { db } from 'seedbed'
      test('cats', async () => {
        await db.query("insert into cats values ('Tom')")
        expect((await db.query('select name from cats')).rows).toEqual([{ name: 'Tom' }])
      })`,
  })
  const { tests, output } = await project.run({ workers: 2 })
  expect(output).not.toContain('●')
  expect(tests).toEqual({ ran: ['passed', 'passed'], cats: ['passed'] })
})

test('ES modules', async () => {
  await using project = await makeProject({
    'package.json': '{ "type": "module" }',
    'jest.config.js': `export default { preset: '@seedbed/jest', transform: {} }`,
    'a.test.mjs': passing.replace("'seedbed'", "'@seedbed/jest'"),
  })
  const { tests } = await project.run({
    env: { NODE_OPTIONS: '--experimental-vm-modules --no-warnings' },
    args: ['--testMatch=**/*.test.mjs'],
  })
  expect(tests).toEqual({ ran: ['passed'] })
})

test('done callbacks, each, resetModules, fake timers of both kinds and a frozen date', async () => {
  await using project = await makeProject({
    'a.test.js': `
      import { db } from 'seedbed'
      import pg from 'pg'
      const names = async () => (await db.query('select name from users order by id')).rows.map(row => row.name)
      test('done', done => {
        db.query("insert into users (name) values ('x')", (error, result) => done(error ?? (result.rowCount === 1 ? undefined : 'no row')))
      })
      test.each(['a', 'b'])('each %s', async name => {
        await db.query('insert into users (name) values ($1)', [name])
        expect(await names()).toEqual(['Ada', 'Grace', name])
      })
      test('resetModules', async () => {
        jest.resetModules()
        const again = require('@seedbed/jest')
        expect((await again.db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
      })
      test.each([{}, { legacyFakeTimers: true }])('fake timers %j', async options => {
        jest.useFakeTimers(options)
        expect(await names()).toEqual(['Ada', 'Grace'])
        const client = new pg.Client()
        await client.connect()
        expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
        await client.end()
      })
      test('a frozen date', async () => {
        jest.useFakeTimers({ now: new Date('1999-12-31') })
        expect(await names()).toEqual(['Ada', 'Grace'])
      })
      afterEach(() => jest.useRealTimers())`,
  })
  const { tests, output } = await project.run()
  expect(output).not.toContain('●')
  expect(Object.values(tests).flat()).toEqual(Array.from({ length: 7 }, () => 'passed'))
})

/** Each with two files that connect by a pool and close it. */
const waysToRun = [
  ['in one process', ['--runInBand']],
  ['looking for open handles', ['--detectOpenHandles']],
  ['with worker threads', ['--workerThreads', '--maxWorkers=2']],
  ['in shards', ['--shard=1/2']],
  ['with forceExit', ['--forceExit']],
] as const

test.each(waysToRun)('%s: it passes and ends by itself', async (_, args) => {
  const file = `
    import pg from 'pg'
    const pool = new pg.Pool()
    afterAll(() => pool.end())
    test('connects', async () => expect((await pool.query('select name from users')).rowCount).toBe(2))`
  await using project = await makeProject({ 'a.test.js': file, 'b.test.js': file })
  const { output, exitCode, tests } = await project.run({ args: [...args] })
  expect(tests.connects).toEqual(args[0] === '--shard=1/2' ? ['passed'] : ['passed', 'passed'])
  expect(output).not.toMatch(/did not exit|open handle|failed to exit gracefully/)
  expect(exitCode).toBe(0)
  // Once more: what it left can be used.
  const again = await project.run({ args: [...args] })
  expect(again.output).toMatch(/template reused/)
})

test('a client that nobody closed does not keep Jest from ending', async () => {
  await using project = await makeProject({ 'a.test.js': passing, 'b.test.js': passing })
  for (const workers of [1, 2]) {
    const { output, exitCode } = await project.run({ workers })
    expect(output).not.toMatch(/did not exit|failed to exit gracefully/)
    expect(exitCode).toBe(0)
  }
})
