import { expect, test } from 'vitest'
import { makeProject } from '../support/project.js'

const passing = `
  import { db } from 'seedbed'
  test('ran', async () => {
    await db.query('select 1')
    process.stdout.write('a test ran')
  })`

const config = (options: string) => ({ 'jest.config.js': `module.exports = { preset: '@seedbed/jest', ${options} }` })

// Vitest, which runs this file, would obey it if it were written out.
const pragma = ['jest', 'environment'].join('-')

/** What each does, and what the run says then; no test may have run. */
const refused: [string, Record<string, string>, RegExp][] = [
  [
    'a globalSetup of its own',
    { ...config("globalSetup: './mine.js'"), 'mine.js': 'module.exports = () => {}' },
    /the config has a globalSetup of its own[^]*Call Seedbed’s from yours/,
  ],
  [
    'a testEnvironment of its own',
    config("testEnvironment: 'node'"),
    /The project ".*" does not have Seedbed|run in another environment than Seedbed’s/,
  ],
  [
    'both of its own',
    { ...config("testEnvironment: 'node', globalSetup: './mine.js'"), 'mine.js': 'module.exports = () => {}' },
    /globalSetup and testEnvironment must be those of Seedbed/,
  ],
  [
    'a docblock with an environment',
    { 'a.test.js': `/** @${pragma} node */\n${passing}` },
    /run in another environment than Seedbed’s[^]*environment @seedbed\/jest\/environment/,
  ],
  [
    'projects, which drop the root’s preset',
    config("projects: [{ displayName: 'api' }, { displayName: 'web', preset: '@seedbed/jest' }]"),
    /The project "api" does not have Seedbed[^]*Add preset: '@seedbed\/jest' to that project/,
  ],
  [
    'one project, which drops the root’s preset',
    config("projects: [{ displayName: 'api' }]"),
    /The project "api" does not have Seedbed/,
  ],
]

test.each(refused)('%s: the run stops with the line to change', async (_, files, message) => {
  await using project = await makeProject({ 'a.test.js': passing, ...files })
  const { output, exitCode } = await project.run()
  expect(output).toMatch(message)
  expect(output).not.toContain('a test ran')
  expect(exitCode).toBe(1)
})

test('a globalSetup that calls Seedbed’s works, and a globalTeardown of its own takes nothing away', async () => {
  await using project = await makeProject({
    'a.test.js': passing,
    ...config("globalSetup: './mine.js', globalTeardown: './teardown.js'"),
    'mine.js': `
      module.exports = async (...all) => {
        const { default: seedbed } = await import('@seedbed/jest/global-setup')
        await seedbed(...all)
      }`,
    'teardown.js': 'module.exports = () => {}',
  })
  const { output, exitCode } = await project.run()
  expect(output).toContain('a test ran')
  expect(output).toMatch(/seedbed {2}embedded PostgreSQL 18\.\d+ \w+ · template built/)
  expect(exitCode).toBe(0)
})

test('a docblock that names Seedbed’s environment extends the one in its options', async () => {
  await using project = await makeProject({
    'a.test.js': `/**
      * @${pragma} @seedbed/jest/environment
      * @${pragma}-options {"environment": "jsdom"}
      */
      import { db } from 'seedbed'
      test('has a document and a database', async () => {
        document.body.innerHTML = '<p>Ada</p>'
        const { rows } = await db.query('select name from users where id = 1')
        expect(rows).toStrictEqual([{ name: document.querySelector('p').textContent }])
      })`,
  })
  const { tests } = await project.run()
  expect(tests).toEqual({ 'has a document and a database': ['passed'] })
})
