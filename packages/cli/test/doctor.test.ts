import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeProject, withFiles, type Project } from './support/project.js'
import { sqlOn } from './support/sql.js'

interface Diagnosis {
  checked: string[]
  findings: { check: string; level: string; found: string; environment: object | null }[]
}

let server: PostgresForTests
let project: Project

beforeAll(async () => {
  server = await startPostgres({ version: 18 })
  await run(`create role tests login createdb password 's3cret-of-tests'`)
  for (const name of ['test', 'staging']) await run(`create database shop_${name} owner tests`)
  const url = (name: string) => server.urlFor({ user: 'tests', password: 's3cret-of-tests', database: `shop_${name}` })
  const environments = {
    test: { url: url('test'), badge: { label: 'INT' } },
    staging: { url: url('staging') },
    production: { variable: 'LIVE_URL' },
  }
  project = await makeProject(
    { SEEDBED_HOME: `${server.folder}/home` },
    withFiles({ 'seedbed.config.json': JSON.stringify({ project: 'shop', environments }) }),
  )
})
afterAll(async () => {
  await project?.[Symbol.asyncDispose]()
  await server?.stop()
})

const run = sqlOn(() => server)

test('check by check, with the badge of each database, the way out below, and the sum at the end', async () => {
  const { code, stdout, stderr } = await project.seedbed(['doctor'])
  expect(stderr).toBe('')
  expect(code).toBe(0)
  const lines = stdout.split('\n')
  expect(lines[0]).toBe('config')
  expect(lines).toContain('  ✓ [INT] test would be used here: default')
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}✓ \[INT\] 17 rights tried in a database of its own/))
  expect(stdout).toMatch(/ {2}! \[STG\] \S*shop_staging has no marker\n {6}\S.*\n {6}→ seedbed env claim staging\n/)
  expect(stdout).toMatch(/ {2}! \[PROD\] .*production.*\n.*\n {6}→ .*LIVE_URL/)
  expect(stdout).toMatch(/ {2}– this is no git repository\n/)
  expect(lines.at(-2)).toMatch(/^0 problems, [2-9] warnings, \d+ skipped, \d+ in order$/)
  expect(stdout).not.toContain('s3cret-of-tests')
})

test('with a problem the exit code is 1; --env looks at one environment', async () => {
  await run('alter role tests nocreatedb')
  const { code, stdout } = await project.seedbed(['doctor', '--env', 'staging'], {
    env: { FORCE_COLOR: '1', NO_COLOR: '' },
  })
  await run('alter role tests createdb')
  expect(code).toBe(1)
  expect(stdout).toContain('\u001b[31m✗\u001b[39m \u001b')
  expect(stdout).toContain('→ ')
  expect(stdout).not.toContain('LIVE_URL')
})

test('as JSON, for programs', async () => {
  const { code, stdout } = await project.seedbed(['doctor', '--json'])
  expect(code).toBe(0)
  const { checked, findings } = JSON.parse(stdout) as Diagnosis
  expect(new Set(findings.map(({ check }) => check))).toEqual(new Set(checked))
  expect(findings.find(({ check }) => check === 'rights')).toEqual({
    ...{ check: 'rights', level: 'ok', found: expect.stringContaining('17 rights') as string, why: null, wayOut: [] },
    ...{
      environment: { name: 'test', badge: { label: 'INT', colour: 'green' } },
      file: null,
      line: null,
      variable: null,
    },
  })
  expect(stdout).not.toContain('s3cret-of-tests')
})

test('a mistake of its caller’s', async () => {
  const unknown = await project.seedbed(['doctor', '--env', 'nobody'])
  expect(unknown).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/✗ .*there is no environment "nobody"/) as string,
  })
  const wrong = await project.seedbed(['doctor', '--nonsense'])
  expect(wrong).toMatchObject({ code: 2, stdout: '' })
})
