import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { resolveEnvironment, type EnvironmentsConfig } from '@seedbed/environments'
import { claimDatabase } from '@seedbed/environments/guard'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeProject, withFiles, type Project } from './support/project.js'
import { sqlOn } from './support/sql.js'

interface Status {
  chosen: { name: string | null; reason: string | null; notes: string[]; problem: { code: string } | null }
  environments: { name: string; databases: Record<string, unknown>[] }[]
}

let server: PostgresForTests
let project: Project
let config: EnvironmentsConfig<string>

beforeAll(async () => {
  const settings = { log_connections: 'on', autovacuum: 'off' }
  server = await startPostgres({ version: 18, settings })
  await run("create role app login superuser password 's3cret'")
  const url = (database: string) => server.urlFor({ user: 'app', password: 's3cret', database })
  config = {
    project: 'shop',
    environments: {
      test: { url: url('shop_test') },
      development: { url: url('shop_development') },
      staging: { url: url('shop_staging') },
      production: { url: url('shop_production') },
      copy: { tier: 'staging', url: url('shop_copy') },
      foreign: { tier: 'staging', url: url('shop_foreign') },
      odd: { tier: 'staging', url: url('shop_odd') },
      gone: { tier: 'staging', url: url('shop_gone') },
      nowhere: { tier: 'staging', variable: 'NOWHERE_URL' },
    },
    select: { branches: { '*': 'staging' } },
  }
  project = await makeProject({}, withFiles({ 'seedbed.config.json': JSON.stringify(config) }))
  for (const name of ['test', 'development', 'staging', 'production', 'foreign', 'odd']) {
    await run(`create database shop_${name}`)
  }
  await claim('test')
  await claim('staging')
  await claim('production')
  await claim('foreign', { ...config, project: 'another' })
  await run('create database shop_copy template shop_production')
  await run('create schema seedbed; create view seedbed.marker as select 1', 'shop_odd')
  await run("update seedbed.marker set schema_version = '0042_users'", 'shop_staging')
})
afterAll(async () => {
  await project?.[Symbol.asyncDispose]()
  await server?.stop()
})
beforeEach(() => rm(join(project.folder, '.seedbed'), { recursive: true, force: true }))

const run = sqlOn(() => server)

async function claim(name: string, of = config) {
  const options = { config: of, variables: {}, folder: project.folder }
  const environment = resolveEnvironment({ ...options, flag: name })
  await claimDatabase({ environment, database: 'main' }, options, async () => true)
}

async function status(args: string[] = [], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await project.seedbed(['status', '--json', ...args], { env })
  expect(stderr).toBe('')
  expect(stdout).not.toContain('s3cret')
  const { chosen, environments } = JSON.parse(stdout) as Status
  return { code, chosen, of: Object.fromEntries(environments.map(({ name, databases }) => [name, databases[0]])) }
}

test('every environment as the guard sees it, in one look that changes nothing', async () => {
  const next = async () => {
    const [row] = await run<{ next: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as next')
    return row!.next
  }
  const before = await next()
  const { code, chosen, of } = await status()
  // No transaction that writes has been begun.
  expect(await next()).toBe(before)
  expect(code).toBe(0)
  expect(chosen).toEqual({
    name: 'test',
    reason: 'default',
    notes: ['an application goes to development here: default'],
    problem: null,
  })
  const there = { reachable: true, problem: null, bytes: expect.any(Number) as number }
  expect(of).toMatchObject({
    test: { ...there, marker: { whose: 'ours', problem: null }, schemaVersion: null },
    development: { ...there, marker: { whose: 'missing' } },
    staging: { ...there, marker: { whose: 'ours' }, schemaVersion: '0042_users' },
    production: { ...there, marker: { whose: 'ours', markedBy: expect.stringContaining('@') as string } },
    copy: { ...there, marker: { whose: 'copied', problem: expect.stringContaining('production') as string } },
    foreign: { ...there, marker: { whose: 'of another', problem: expect.stringContaining('another') as string } },
    odd: { ...there, marker: { whose: 'strange', problem: expect.stringContaining('not a table') as string } },
    gone: {
      reachable: false,
      problem: expect.stringContaining('There is no database "shop_gone"') as string,
      marker: null,
    },
    nowhere: { reachable: null, url: null, missing: { code: 'ENVIRONMENT_WITHOUT_URL' } },
  })
  // What is protected, and shows it, is remembered; nothing else is.
  expect(await readdir(join(project.folder, '.seedbed/identities'))).toEqual(['production.main.json'])
})

test('what is remembered is known again under another name', async () => {
  await status()
  const environments = { staging: { url: server.urlFor({ user: 'app', database: 'shop_production' }) } }
  await using other = await makeProject(
    {},
    withFiles({ 'seedbed.config.json': JSON.stringify({ ...config, environments }) }),
  )
  const look = async () => (await other.seedbed(['status'])).stdout
  expect(await look()).toMatch(/\[STG\] staging main.*marker: of another \(.*production/)
})

test('a line each with its badge; the one that is used comes first', async () => {
  const { code, stdout } = await project.seedbed(['status', '--env', 'staging'], { env: { ENVIRONMENT: 'test' } })
  expect(code).toBe(0)
  const lines = stdout.split('\n')
  expect(lines[0]).toBe('[STG] staging would be used here: --env staging')
  expect(lines[1]).toBe('ENVIRONMENT=test is not followed: --env staging goes first')
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^\[STG\] staging main {2}staging · postgresql:\/\/app@.*\/shop_staging · reachable · marker: ours · schema: 0042_users · \d+\.\d MB$/,
    ),
  )
  expect(lines).toContainEqual(
    expect.stringMatching(/^\[PROD\] production \(protected\) main {2}production · .*· marker: ours/),
  )
  const others = lines.filter(line => line !== '').slice(2)
  expect(others.filter(line => !/^\[[A-Z]+\] /.test(line))).toEqual([])
  expect(stdout).not.toContain('s3cret')
})

test.each([
  [['--env', 'gone'], {}, 'gone', null],
  [['--env', 'nowhere'], {}, 'nowhere', 'ENVIRONMENT_WITHOUT_URL'],
  [['--env', 'nobody'], {}, null, 'ENVIRONMENT_UNKNOWN'],
  [[], { ENVIRONMENT: 'staging', NOWHERE_URL: 'postgresql://x@localhost/x' }, 'staging', undefined],
])('the exit code is 1 where the chosen one cannot be used: %j %j', async (args, env, name, problem) => {
  const { code, chosen } = await status(args, env)
  expect(code).toBe(problem === undefined ? 0 : 1)
  expect(chosen.name).toBe(name)
  expect(chosen.problem?.code ?? null).toBe(problem ?? null)
})

test('a server that takes connections and never says a word, and a marker that somebody has locked, are not waited for', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const locking = new Client(server.urlFor({ database: 'shop_staging' }))
  await locking.connect()
  await locking.query('begin; lock table seedbed.marker')
  const url = `postgresql://app:s3cret@127.0.0.1:${(silent.address() as AddressInfo).port}/shop`
  const environments = { development: { url }, staging: config.environments!.staging! }
  await using other = await makeProject(
    {},
    withFiles({ 'seedbed.config.json': JSON.stringify({ ...config, environments }) }),
  )
  const { code, stdout } = await other.seedbed(['status', '--env', 'development'])
  await locking.end()
  silent.close()
  expect(code).toBe(1)
  expect(stdout).toMatch(/\[DEV\] development main.* could not be looked at: no answer within 3 s\./)
  expect(stdout).toMatch(/\[STG\] staging main.* no answer within 3 s/)
})

test('without any config there is test, whose databases a run makes', async () => {
  await using bare = await makeProject({}, withFiles({}))
  const { code, stdout } = await bare.seedbed(['status'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\[TEST\] test would be used here: default\n/)
})

test('without a name of the project no marker can be read, and it is said', async () => {
  const { project: _, ...nameless } = config
  await using other = await makeProject(
    {},
    withFiles({ 'seedbed.config.json': JSON.stringify(nameless), 'package.json': '{ "type": "module" }' }),
  )
  const { code, stdout } = await other.seedbed(['status'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/\[STG\] staging main.* The config's project cannot be used: it is missing/)
})

test('under a test runner nothing connects to production, under whatever name the config has it', async () => {
  const connections = async () => (await server.log()).split('database=shop_production').length
  const before = await connections()
  const { of } = await status([], { VITEST: 'true' })
  expect(of.production).toMatchObject({ reachable: null, problem: 'under Vitest nothing connects to production' })
  expect(of.staging).toMatchObject({ reachable: true })
  const environments = { ...config.environments, test: config.environments!.production! }
  await using other = await makeProject(
    {},
    withFiles({ 'seedbed.config.json': JSON.stringify({ ...config, environments }) }),
  )
  const outcome = await other.seedbed(['status'], { env: { JEST_WORKER_ID: '1' } })
  expect(outcome).toMatchObject({ code: 1, stdout: expect.stringContaining('ENVIRONMENTS_SHARE_DATABASE') as string })
  expect(await connections()).toBe(before)
})
