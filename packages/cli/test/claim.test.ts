import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeProject, withFiles, type Project } from './support/project.js'
import { sqlOn } from './support/sql.js'
import { atTerminal, shown, type } from './support/terminal.js'

let server: PostgresForTests
let project: Project
beforeAll(async () => {
  server = await startPostgres({ version: 18, settings: { log_connections: 'on' } })
  await run("create role app login superuser password 's3cret'")
  await run('create database shop_staging')
  const url = (database: string) => server.urlFor({ user: 'app', password: 's3cret', database })
  const config = {
    project: 'shop',
    environments: {
      staging: { url: url('shop_staging'), aliases: ['stg'] },
      nowhere: { tier: 'staging', variable: 'NOWHERE_URL' },
    },
  }
  project = await makeProject({}, withFiles({ 'seedbed.config.json': JSON.stringify(config) }))
  await run('create table users as select generate_series(1, 1000) as id; analyze users', 'shop_staging')
})
afterAll(async () => {
  await project?.[Symbol.asyncDispose]()
  await server?.stop()
})
beforeEach(async () => {
  await rm(join(project.folder, '.seedbed'), { recursive: true, force: true })
  await run('drop schema if exists seedbed cascade', 'shop_staging')
})

const run = sqlOn(() => server)
const isMarked = async () => {
  const [row] = await run<{ is: boolean }>("select to_regclass('seedbed.marker') is not null as is", 'shop_staging')
  return row!.is
}

test('without a terminal it is refused and connects to nothing, and no option answers for it', async () => {
  const connections = async () => (await server.log()).split('database=shop_staging').length
  const before = await connections()
  const outcome = await project.seedbed(['env', 'claim', 'staging'], { input: 'shop_staging\n', env: { CI: 'true' } })
  expect(outcome).toMatchObject({ code: 1, stdout: '' })
  expect(outcome.stderr).toContain('CLAIM_WITHOUT_TERMINAL')
  expect((await project.seedbed(['env', 'claim', 'staging', '--yes'])).code).toBe(2)
  expect(await connections()).toBe(before)
})

describe.skipIf(process.platform !== 'linux')('at a terminal', () => {
  const answer = (types: string) => type(atTerminal(project, 'env claim stg --json'), /to claim it: /, types)

  test('its name typed in full claims it, after what is in it was shown', async () => {
    const { code, stdout } = await answer('shop_staging\r')
    expect(code).toBe(0)
    const lines = shown(stdout).split('\r\n')
    expect(lines.slice(0, 4)).toEqual([
      '[STG] localhost:5432/shop_staging is to be staging (staging), main of shop; you are app',
      '[STG] it has no marker now',
      expect.stringMatching(/^\[STG\] 1 tables, about 1000 rows, \d\.\d MB; 0 other sessions; last used \d{4}-/),
      expect.stringMatching(/^\[STG\] {3}public\.users: about 1000 rows, \d+\.\d kB$/),
    ])
    expect(stdout).toContain('main of staging (staging) is claimed')
    expect(stdout).toContain('"environment": "staging"')
    expect(stdout).toContain('\u001b[33m[STG]')
    expect(stdout).not.toContain('s3cret')
    const claimed = await run('select environment, project from seedbed.marker', 'shop_staging')
    expect(claimed).toEqual([{ environment: 'staging', project: 'shop' }])
    expect((await project.seedbed(['status', '--env', 'stg'])).stdout).toMatch(/shop_staging.* marker: ours/)
    expect((await project.seedbed(['audit', '--operation', 'claim'])).stdout).toContain(
      '[STG] allowed claim staging main',
    )
  })

  test.each([
    ['yes', 'yes\r', 1],
    ['the environment', 'staging\r', 1],
    ['a part of it', 'shop_stagin\r', 1],
    ['another case', 'SHOP_STAGING\r', 1],
    ['nothing', '\r', 1],
    ['the end of input', '\u0004', 1],
    ['Ctrl-C', 'shop_staging\u0003', 130],
  ])('%s does not', async (_, types, expected) => {
    const { code, stdout } = await answer(types)
    expect(code).toBe(expected)
    expect(stdout).toContain(expected === 1 ? 'GUARD_CLAIM_DECLINED' : 'interrupted: nothing more was claimed')
    expect(await isMarked()).toBe(false)
  })

  test.each([
    ['nobody', {}, 'ENVIRONMENT_UNKNOWN'],
    ['nowhere', {}, 'ENVIRONMENT_WITHOUT_URL'],
    ['staging', { VITEST: 'true' }, 'GUARD_ONLY_TEST'],
  ])('%s is refused before anybody is asked: %j', async (name, env, code) => {
    const outcome = await atTerminal(project, `env claim ${name}`, { env }).ended
    expect(outcome.code).toBe(1)
    expect(outcome.stdout).toContain(code)
    expect(outcome.stdout).not.toContain('to claim it')
  })
})
