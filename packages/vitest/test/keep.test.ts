import { expect, test } from 'vitest'
import { makeProject } from './support/project.js'

/** What the application has, and how a test looks at it. */
const users = `
  import pg from 'pg'
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
  export const add = name => pool.query('insert into users (name) values ($1)', [name])
  export const names = async () => (await pool.query('select name from users order by id')).rows.map(({ name }) => name)`

const failing = `
  import { beforeAll, describe, expect, test } from 'vitest'
  import { add, names } from './users.js'
  const isAsSeeded = async () => expect(await names()).toEqual(['Ada', 'Grace'])

  test('renames', async () => {
    await add('of the test')
    expect(await names()).toEqual([])
  })
  test('the next one is on the seed', isAsSeeded)

  describe('with rows of its own', () => {
    beforeAll(() => add('of the describe'))
    test('passes the second time', { retry: 1 }, async ({ task }) => {
      await add('of the attempt')
      expect(await names()).toEqual(['Ada', 'Grace', 'of the describe', 'of the attempt'])
      expect(task.result.retryCount).toBe(1)
    })
    test('never passes', { retry: 1 }, async () => {
      await add('of the test')
      expect(await names()).toEqual([])
    })
    test('would not find them', async () => console.log('ran', 'it'))
  })
  test('outside of it is on the seed', isAsSeeded)`

/** Reads databases by the URLs that were printed. */
const reading = `
  import pg from 'pg'
  import { test } from 'vitest'
  test('reads', async () => {
    for (const url of JSON.parse(process.env.URLS)) {
      const client = new pg.Client(url)
      await client.connect()
      const { rows } = await client.query('select name from users order by id')
      console.log('read', rows.map(({ name }) => name).join())
      await client.end()
    }
  })`

test('SEEDBED_KEEP=failed keeps what failed tests saw: the run says where, and the next one can look at it', async () => {
  await using project = await makeProject({ 'users.js': users, 'a.test.ts': failing, 'b.test.ts': failing })
  const args = ['run', '--maxWorkers=1']
  const { output, exitCode } = await project.vitest({ args, env: { SEEDBED_KEEP: 'failed' } })
  expect(exitCode).toBe(1)
  expect(output).toMatch(/Tests {2}6 failed \| 6 passed/)
  expect(output).toContain('(KEPT_WITH_TEST)')
  expect(output).not.toContain('ran it')

  for (const file of ['a', 'b']) {
    expect(output).toContain(`seedbed  kept for seven days: ${file}.test.ts > renames\n`)
    expect(output).toContain(`seedbed  kept for seven days: ${file}.test.ts > with rows of its own > never passes\n`)
  }
  const saw = /seedbed {2}what test "(.*)" saw is kept for seven days:\n {2}(.*)\n/g
  const atTests = [...output.matchAll(saw)].map(([, name, command]) => [name, command])
  expect(atTests.map(([name]) => name).sort()).toEqual(['never passes', 'never passes', 'renames', 'renames'])
  const atEnd = [...output.matchAll(/seedbed {2}kept for .*\n {2}(.*)\n/g)].map(([, command]) => command)
  expect(atEnd.sort()).toEqual(atTests.map(([, command]) => command).sort())

  const urls = atTests.map(([, command]) => /^npx seedbed run -- psql '(.*)'$/.exec(command!)![1])
  await project.write({ 'a.test.ts': reading, 'b.test.ts': '' })
  const next = await project.vitest({
    args: ['run', 'a.test.ts', '--maxWorkers=1'],
    env: { URLS: JSON.stringify(urls) },
  })
  const read = [...next.output.matchAll(/read (.*)/g)].map(([, names]) => names)
  expect(Object.fromEntries(read.map((names, index) => [atTests[index]![0], names]))).toEqual({
    renames: 'Ada,Grace,of the test',
    'never passes': 'Ada,Grace,of the describe,of the test',
  })
  expect(next.output).toMatch(/seedbed {2}.*template reused · .*recycled/)
  expect(next.output).not.toMatch(/cloned|dropped/)
})

test('another value of SEEDBED_KEEP stops the run', async () => {
  await using project = await makeProject({ 'a.test.ts': reading })
  const { output, exitCode } = await project.vitest({ env: { SEEDBED_KEEP: 'all' } })
  expect(output).toMatch(/SEEDBED_KEEP is 'all'/)
  expect(exitCode).toBe(1)
})
