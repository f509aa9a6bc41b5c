import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  connectionOptions,
  currentEnvironment,
  databasePool,
  databaseUrl,
  readAudit,
  defineEnvironments,
  SeedbedError,
  type Dialect,
} from '@seedbed/environments'
import { startPostgres } from '@seedbed/postgres-for-tests'
import { afterAll, afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest'

const config = defineEnvironments({
  databases: ['main', 'analytics'],
  environments: {
    development: {
      url: 'postgresql://dev:p%40ss@db:5432/x?sslmode=require',
      name: '{database}_dev',
      pooled: { variable: 'POOLED' },
    },
    test: { url: 'postgresql://t:t@%2Ftmp%2Fpg/x', name: '{database}_test' },
    production: { url: 'postgresql://live:secret@live/x', name: '{database}' },
  },
  select: { platforms: { fly: { variable: 'FLY_APP_NAME' } } },
  consent: { variable: 'PRODUCTION_MODE', platform: 'fly' },
})
const folder = mkdtempSync(join(tmpdir(), 'seedbed-url-'))

beforeEach(() => {
  // Where the audit log goes.
  vi.spyOn(process, 'cwd').mockReturnValue(folder)
  for (const name of ['VITEST', 'VITEST_POOL_ID', 'VITEST_WORKER_ID', 'ENVIRONMENT', 'CI']) vi.stubEnv(name, undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(join(folder, 'consent'), { force: true })
})
afterAll(() => rmSync(folder, { recursive: true }))

const code = (act: () => unknown) => {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof SeedbedError)) throw error
    expect(error.message).not.toContain('secret')
    return error.code
  }
}

test('the database of the environment, by its base name', () => {
  expect(databaseUrl({ config })).toBe('postgresql://dev:p%40ss@db:5432/main_dev?sslmode=require')
  expect(databaseUrl({ config, database: 'analytics' })).toBe(
    'postgresql://dev:p%40ss@db:5432/analytics_dev?sslmode=require',
  )
  // @ts-expect-error a wrong base name is a compile error, and an error for JavaScript
  expect(code(() => databaseUrl({ config, database: 'analytic' }))).toBe('DATABASE_NOT_HERE')
  expectTypeOf(currentEnvironment({ config }).databases).toHaveProperty('analytics')
})

test('each selection is a line of the audit log, once, without a password', async () => {
  rmSync(join(folder, '.seedbed'), { recursive: true, force: true })
  const only = defineEnvironments({
    environments: { staging: { url: 'postgresql://s:secret@h/audited' } },
    select: { default: 'staging' },
  })
  for (let time = 0; time < 3; time++) databaseUrl({ config: only })
  const { entries } = await readAudit({ file: join(folder, '.seedbed/audit.jsonl') })
  expect(entries).toMatchObject([
    { environment: 'staging', place: 'h:5432/audited', decision: 'chosen', reason: 'default' },
  ])
  expect(JSON.stringify(entries)).not.toContain('secret')
})

test('pooled, where there is a pooler', () => {
  expect(databaseUrl({ config, pooled: true })).toBe('postgresql://dev:p%40ss@db:5432/main_dev?sslmode=require')
  vi.stubEnv('POOLED', 'postgresql://dev:p@pooler:6432/any')
  expect(databaseUrl({ config, pooled: true })).toBe('postgresql://dev:p@pooler:6432/main_dev')
})

test.each<[Dialect, string, string]>([
  ['postgres', 'postgres://dev:p%40ss@db:5432/main_dev?sslmode=require', 'postgres://t:t@%2Ftmp%2Fpg:5432/main_test'],
  [
    'postgresql+asyncpg',
    'postgresql+asyncpg://dev:p%40ss@db:5432/main_dev?ssl=require',
    'postgresql+asyncpg://t:t@/main_test?host=%2Ftmp%2Fpg&port=5432',
  ],
  [
    'postgresql+psycopg',
    'postgresql+psycopg://dev:p%40ss@db:5432/main_dev?sslmode=require',
    'postgresql+psycopg://t:t@/main_test?host=%2Ftmp%2Fpg&port=5432',
  ],
  [
    'jdbc:postgresql',
    'jdbc:postgresql://db:5432/main_dev?sslmode=require&user=dev&password=p%40ss',
    'DIALECT_WITHOUT_SOCKET',
  ],
])('%s', (dialect, url, ofSocket) => {
  expect(databaseUrl({ config, dialect })).toBe(url)
  expect(code(() => databaseUrl({ config, dialect, testMode: true }))).toBe(ofSocket)
})

test('what clients take', () => {
  const url = 'postgresql://dev:p%40ss@db:5432/main_dev?sslmode=require'
  expect(connectionOptions('pg', { config })).toEqual({ connectionString: url })
  expect(connectionOptions('knex', { config })).toEqual({ client: 'pg', connection: { connectionString: url } })
  expect(connectionOptions('drizzle', { config })).toEqual({ connection: { connectionString: url } })
  expect(connectionOptions('prisma', { config })).toEqual({ datasourceUrl: url })
  expect(connectionOptions('typeorm', { config })).toEqual({ type: 'postgres', url })
  expect(connectionOptions('prisma', { config, testMode: true })).toEqual({
    datasourceUrl: 'postgresql://t:t@localhost:5432/main_test?host=%2Ftmp%2Fpg',
  })
  expectTypeOf(connectionOptions('knex', { config })).toEqualTypeOf<{
    client: 'pg'
    connection: { connectionString: string }
  }>()
})

test('one pool for a database, and another when the environment has changed', async () => {
  const pool = databasePool({ config })
  expect(databasePool({ config })).toBe(pool)
  const other = databasePool({ config, database: 'analytics' })
  expect(other).not.toBe(pool)
  expect(pool.options.max).toBe(10)
  vi.stubEnv('ENVIRONMENT', 'test')
  const ofTest = databasePool({ config })
  expect(ofTest).not.toBe(pool)
  expect(pool.ending).toBe(true)
  await Promise.all([other.end(), ofTest.end()])
  expect(databasePool({ config })).not.toBe(ofTest)
})

test("the pool leads to the environment's database", async () => {
  await using server = await startPostgres()
  await using pool = disposable(databasePool({ config: { environments: { development: { url: server.url } } } }))
  const { rows } = await pool.query(
    'select current_database() as database, application_name from pg_stat_activity where pid = pg_backend_pid()',
  )
  expect(rows).toEqual([{ database: 'postgres', application_name: 'development' }])
})

const disposable = <Pool extends { end(): Promise<void> }>(pool: Pool) =>
  Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() })

describe('test mode', () => {
  test('with it only test, without it never test', () => {
    expect(databaseUrl({ config, testMode: true })).toMatch(/main_test$/)
    vi.stubEnv('ENVIRONMENT', 'production')
    expect(databaseUrl({ config, testMode: true })).toMatch(/main_test$/)
    vi.stubEnv('ENVIRONMENT', 'test')
    expect(code(() => databaseUrl({ config, testMode: false }))).toBe('NOT_IN_TEST_MODE')
  })

  test('left out, test has to be named', () => {
    vi.stubEnv('ENVIRONMENT', 'test')
    expect(databaseUrl({ config })).toMatch(/main_test$/)
    vi.stubEnv('ENVIRONMENT', undefined)
    expect(code(() => databaseUrl({ config: { ...config, select: { default: 'test' } } }))).toBe('TEST_NOT_CHOSEN')
  })

  test("under a runner it is the worker's database", () => {
    vi.stubEnv('VITEST', 'true')
    vi.stubEnv('SEEDBED_DATABASE_URL', 'postgresql://app:x@127.0.0.1:4001/w1')
    vi.stubEnv('ENVIRONMENT', 'production')
    for (const testMode of [true, false, undefined]) {
      expect(databaseUrl({ config, ...(testMode !== undefined && { testMode }) })).toBe(
        'postgresql://app:x@127.0.0.1:4001/w1',
      )
    }
    expect(code(() => databaseUrl({ config, database: 'analytics' }))).toBe('DATABASE_NOT_HERE')
  })
})

describe('production', () => {
  const refused = 'PRODUCTION_WITHOUT_CONSENT'
  const url = () => code(() => databaseUrl({ config, environment: 'production' }))
  const terminal = (is: boolean) => Object.defineProperty(process.stdin, 'isTTY', { value: is, configurable: true })
  const stdin = Object.getOwnPropertyDescriptor(process.stdin, 'isTTY')
  afterEach(() => Object.defineProperty(process.stdin, 'isTTY', stdin ?? { value: undefined, configurable: true }))

  test('is refused without consent, terminal or not', () => {
    terminal(true)
    expect(url()).toBe(refused)
    terminal(false)
    expect(url()).toBe(refused)
  })

  test.each(['PRODUCTION_MODE', 'FLY_APP_NAME'])('%s is enough where no terminal is', variable => {
    vi.stubEnv(variable, 'true')
    terminal(true)
    expect(url()).toBe(refused)
    terminal(false)
    expect(url()).toBe('postgresql://live:secret@live:5432/main')
  })

  test('the child of a command that has asked, while that lives', () => {
    terminal(true)
    const file = join(folder, 'consent')
    vi.stubEnv('SEEDBED_CONSENT', file)
    expect(url()).toBe(refused)
    writeFileSync(file, JSON.stringify({ environment: 'production', pid: process.ppid }))
    expect(url()).toBe('postgresql://live:secret@live:5432/main')
    writeFileSync(file, JSON.stringify({ environment: 'elsewhere', pid: process.ppid }))
    expect(url()).toBe(refused)
    const { pid } = spawnSync(process.execPath, ['-e', '0'])
    writeFileSync(file, JSON.stringify({ environment: 'production', pid }))
    expect(url()).toBe(refused)
    writeFileSync(file, JSON.stringify({ environment: 'production', pid: 0 }))
    expect(url()).toBe(refused)
    writeFileSync(file, 'yes')
    expect(url()).toBe(refused)
  })

  test.each(['yes', 'true', '/dev/null', '1'])('SEEDBED_CONSENT=%s consents to nothing', value => {
    vi.stubEnv('SEEDBED_CONSENT', value)
    expect(url()).toBe(refused)
  })
})
