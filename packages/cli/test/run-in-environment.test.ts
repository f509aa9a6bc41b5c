import { existsSync, readdirSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeProject, withFiles, type Project } from './support/project.js'
import { sqlOn } from './support/sql.js'
import { atTerminal, type } from './support/terminal.js'

let server: PostgresForTests
let project: Project
beforeAll(async () => {
  server = await startPostgres({ version: 18, settings: { log_connections: 'on' } })
  await run("create role live login password 's3cret'")
  await run('create database shop owner live')
  await run('create database stage')
  project = await makeProject(
    {
      STG_URL: server.urlFor({ database: 'stage' }),
      PROD_URL: server.urlFor({ user: 'live', password: 's3cret', database: 'shop' }),
    },
    withFiles({
      'seedbed.config.json': JSON.stringify({
        environments: {
          staging: { variable: 'STG_URL', aliases: ['stg'] },
          production: { variable: 'PROD_URL' },
        },
        consent: { variable: 'PRODUCTION_MODE' },
      }),
      'app-with-environments.mjs': `
        import { databaseUrl } from '@seedbed/environments'
        console.log(new URL(databaseUrl({ environment: 'production' })).pathname)`,
    }),
  )
})
afterAll(async () => {
  await project?.[Symbol.asyncDispose]()
  await server?.stop()
})
beforeEach(() => rm(join(project.folder, '.seedbed'), { recursive: true, force: true }))

const run = sqlOn(() => server)
const audited = async () =>
  (await readFile(join(project.folder, '.seedbed/audit.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
const environment = ['sh', '-c', 'echo "$ENVIRONMENT $PGDATABASE $PROD_URL"']

test('a command runs in the environment that is named, as it is; production refuses there', async () => {
  const outcome = await project.seedbed(['run', '--env', 'STG ', '--', 'node', 'app.mjs', 'create table kept ()'])
  expect(outcome.code).toBe(0)
  expect(outcome.stderr).toMatch(/^seedbed {2}\[STG\] staging: postgresql:\/\/postgres@.*\/stage \(--env STG\)$/m)
  await run('drop table kept', 'stage')
  const { stdout } = await project.seedbed(['run', '--env', 'staging', '--', ...environment])
  // One server for both: its name is no secret, the database's is not reached.
  expect(stdout).toBe('staging stage postgresql://nobody@%2Fseedbed%3A%20production%20is%20refused%20here/refused\n')
  expect(await audited()).toMatchObject([
    { operation: 'select', decision: 'chosen', environment: 'staging' },
    { operation: 'run', decision: 'allowed', reason: '--env STG' },
    { operation: 'select', decision: 'chosen' },
    { operation: 'run', decision: 'allowed' },
  ])
})

test('an environment that does not exist, and one without a URL', async () => {
  expect(await project.seedbed(['run', '--env', 'stagging', '--', 'true'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There are test, staging and production.') as string,
  })
  expect(await project.seedbed(['run', '--env', 'staging', '--', 'true'], { env: { STG_URL: '' } })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Set STG_URL, in the environment or in .env.') as string,
  })
})

test('production without a terminal: refused, whatever is exported, but for the variable that the config names', async () => {
  const production = ['run', '--env', 'production', '--', ...environment]
  for (const env of [{}, { CI: 'true' }, { SEEDBED_CONSENT: 'yes' }, { SEEDBED_CONSENT: '/dev/null' }, { YES: '1' }]) {
    const outcome = await project.seedbed(production, { env, input: 'yes\n' })
    expect(outcome).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('PRODUCTION_WITHOUT_CONSENT') as string,
    })
    expect(outcome.stderr).not.toContain('s3cret')
  }
  expect((await project.seedbed(['run', '--env', 'production', '--yes', '--', 'true'])).code).toBe(2)
  expect(await server.log()).not.toMatch(/connection authorized: user=live/)
  const outcome = await project.seedbed(production, { env: { PRODUCTION_MODE: 'true' } })
  expect(outcome).toMatchObject({ code: 0, stdout: expect.stringMatching(/^production shop /) as string })
})

describe.skipIf(process.platform !== 'linux')('at a terminal', () => {
  function answer(types: string, { before = '', env = {} }: { before?: string; env?: Record<string, string> } = {}) {
    const usual = { PROD_URL: server.urlFor({ user: 'live', password: 's3cret', database: 'shop' }), STG_URL: '' }
    const running = atTerminal(project, 'run --env production -- node app-with-environments.mjs', {
      before,
      env: { ...usual, ...env },
    })
    return type(running, /Type yes to go on: /, types)
  }

  test.each(['yes\r', 'Yes \r', '  YES\r'])('%j goes on, and its child alone has the consent', async types => {
    const { code, stdout } = await answer(types)
    expect(stdout).toContain('/shop')
    expect(code).toBe(0)
    expect(stdout).toContain('[PROD]')
    expect(stdout).not.toContain('s3cret')
    expect(await audited()).toMatchObject([
      { decision: 'chosen' },
      { operation: 'run', decision: 'allowed', reason: 'a "yes" was typed', environment: 'production' },
      { operation: 'select', decision: 'chosen' },
    ])
    expect(readdirSync(tmpdir()).filter(name => name.startsWith('seedbed-consent-'))).toEqual([])
  })

  test.each([
    ['no', 'no\r', 1],
    ['y', 'y\r', 1],
    ['nothing', '\r', 1],
    ['yes with more', 'yes please\r', 1],
    ['the end of input', '\u0004', 1],
    ['Ctrl-C', '\u0003', 130],
    ['Ctrl-C after yes', 'yes\u0003', 130],
  ])('%s leaves production alone', async (_, types, expected) => {
    const { code, stdout } = await answer(types)
    expect(stdout).not.toContain('/shop\r')
    expect(stdout).toContain('production was left alone')
    expect(code).toBe(expected)
    expect(await audited()).toMatchObject([{ operation: 'run', decision: 'refused' }])
    expect(existsSync(join(project.folder, '.seedbed/audit.jsonl'))).toBe(true)
  })

  test('a narrow window, and no colour', async () => {
    const { stdout } = await answer('no\r', { before: 'stty cols 12;', env: { NO_COLOR: '1' } })
    // eslint-disable-next-line no-control-regex -- colours are control sequences
    expect(stdout).not.toMatch(/\u001b\[\d\dm/)
    expect(stdout).toContain('production was left alone')
    const coloured = await answer('no\r')
    expect(coloured.stdout).toContain('\u001b[31m[PROD]')
  })
})
