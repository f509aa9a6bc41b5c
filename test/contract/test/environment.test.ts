import { expect, test } from 'vitest'
import { makeProject, runner } from './support/project.js'

/** What a developer's shell, or a CI's secrets, may hold. */
const outside = {
  DATABASE_URL: 'postgresql://me:secret@db.example.com/production',
  ENVIRONMENT: 'production',
  PGHOST: 'db.example.com',
  PGHOSTADDR: '192.0.2.1',
  PGDATABASE: 'production',
  PGSERVICE: 'production',
  PGSSLMODE: 'require',
  PGOPTIONS: '-c search_path=secret',
}

test('whatever is set outside, modules, hooks, tests and child processes see the worker’s database', async () => {
  await using project = await makeProject(
    {
      'setup.js': `
        import { look } from './look.js'
        globalThis.inSetup = look()`,
      'look.js': `
        import { execFileSync } from 'node:child_process'
        export const look = () => {
          const { ENVIRONMENT, NODE_ENV, DATABASE_URL, PGHOST, PGPORT, PGUSER, PGDATABASE, ...rest } = process.env
          return { ENVIRONMENT, NODE_ENV, DATABASE_URL, PGHOST, PGPORT, PGUSER, PGDATABASE,
            others: Object.keys(rest).filter(name => name.startsWith('PG') && name !== 'PGPASSWORD') }
        }
        export const lookInChild = () => JSON.parse(execFileSync(process.execPath,
          ['-e', 'const look = ' + look + '; console.log(JSON.stringify(look()))'], { encoding: 'utf8' }))`,
      'a.test.js': `
        import { look, lookInChild } from './look.js'
        const atImport = look()
        let inHook
        beforeAll(() => { inHook = look() })
        test('sees the same everywhere', () => {
          const { host, port, pathname, username } = new URL(atImport.DATABASE_URL)
          expect(atImport).toEqual({
            ENVIRONMENT: 'test', NODE_ENV: 'test', DATABASE_URL: atImport.DATABASE_URL,
            PGHOST: '127.0.0.1', PGPORT: port, PGUSER: username, PGDATABASE: pathname.slice(1), others: [],
          })
          expect(host).toBe('127.0.0.1:' + port)
          expect(inHook).toEqual(atImport)
          expect(look()).toEqual(atImport)
          expect(globalThis.inSetup).toEqual(atImport)
        })
        test('and so does a child', () => {
          const child = lookInChild()
          // The address of a child that is waited for leads to an explanation.
          expect({ ...child, DATABASE_URL: '', PGPORT: '' }).toEqual({ ...atImport, DATABASE_URL: '', PGPORT: '' })
          expect(new URL(child.DATABASE_URL).hostname).toBe('127.0.0.1')
        })`,
    },
    { setupFiles: ['./setup.js'] },
  )
  const { tests, output, exitCode } = await project.run({ env: outside })
  expect(tests).toEqual({ 'sees the same everywhere': ['passed'], 'and so does a child': ['passed'] })
  expect(exitCode).toBe(0)
  expect(output).not.toContain('secret')
})

test('a setup file that puts an old URL back stops every test with what it became', async () => {
  await using project = await makeProject(
    {
      'a.test.js': `test('ran', () => process.stdout.write('a test ran'))`,
      'setup.js': "process.env.DATABASE_URL = 'postgresql://me:secret@db.example.com/production'",
    },
    { setupFiles: ['./setup.js'] },
  )
  const { output, tests, exitCode } = await project.run()
  expect(exitCode).toBe(1)
  expect(tests).toEqual({ ran: ['failed'] })
  expect(output).toMatch(
    /DATABASE_URL was changed after Seedbed had set it; it is now postgresql:\/\/me@db\.example\.com\/production/,
  )
  expect(output).not.toContain('secret')
  expect(output).not.toContain('a test ran')
})

test('a seed that does not load fails the run once, before the first test, with file, line and column', async () => {
  const passing = `test('ran', () => process.stdout.write('a test ran'))`
  await using project = await makeProject({
    'a.test.js': passing,
    'b.test.js': passing,
    'seeds/users.json': '{\n  "users": [\n    { "nmae": "Ada" }\n  ]\n}',
  })
  const { output, exitCode } = await project.run()
  expect(exitCode).toBe(1)
  expect(output).not.toContain('a test ran')
  expect(output).toMatch(/seeds\/users\.json:3:7/)
  expect(output.match(/the table users has no column "nmae"/g)).toHaveLength(1)
  expect(output).not.toMatch(/at .*packages\/core/)
})

test(`a run in which nothing ever connected says so (${runner.name})`, async () => {
  await using project = await makeProject({ 'a.test.js': `test('needs no database', () => {})` })
  const { output, exitCode } = await project.run()
  expect(exitCode).toBe(0)
  expect(output).toMatch(/No test ever connected to the database/)
})
