import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { environmentLines, testEnvironment } from '../../src/environment/test-environment.js'
import type { SeedbedConfig } from '../../src/config/config.js'

const folder = mkdtempSync(join(tmpdir(), 'seedbed-environment-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const of = (config: SeedbedConfig, variables: Record<string, string> = {}) =>
  testEnvironment({ folder, file: null, config }, variables)

test('tests run where environments.test says, by default where TEST_DATABASE_URL does; DATABASE_URL never', () => {
  const variables = { TEST_DATABASE_URL: 'postgresql://t@h/t', DATABASE_URL: 'postgresql://production.invalid/shop' }
  expect(of({}, variables).testUrl).toBe('postgresql://t@h:5432/t')
  expect(of({ environments: { test: { url: undefined } } }, variables).testUrl).toBe('postgresql://t@h:5432/t')
  expect(of({ environments: { test: { url: 'postgresql://t@other/t' } } }, variables).testUrl).toBe(
    'postgresql://t@other:5432/t',
  )
  expect(of({ environments: { test: { variable: 'MINE' } } }, variables).testUrl).toBeUndefined()
  expect(of({}).testUrl).toBeUndefined()
})

test('.env counts where the process says nothing', () => {
  writeFileSync(join(folder, '.env'), 'TEST_DATABASE_URL=postgresql://file@h/t\n')
  expect(of({}).testUrl).toBe('postgresql://file@h:5432/t')
  expect(of({}, { TEST_DATABASE_URL: 'postgresql://process@h/t' }).testUrl).toBe('postgresql://process@h:5432/t')
  rmSync(join(folder, '.env'))
})

test("a CI's own database, from the process only", () => {
  const config = { environments: { test: { ci: { variable: 'DATABASE_URL' } } } }
  const variables = { CI: 'true', DATABASE_URL: 'postgresql://ci@localhost/ci' }
  expect(of(config, variables).testUrl).toBe('postgresql://ci@localhost:5432/ci')
  expect(of(config, { DATABASE_URL: variables.DATABASE_URL }).testUrl).toBeUndefined()
})

test('a worker of another run does not say where this one runs', () => {
  expect(of({}, { SEEDBED_DATABASE_URL: 'postgresql://w@127.0.0.1:4/w1', VITEST: 'true' }).testUrl).toBeUndefined()
})

test('TEST_DATABASE_URL that points at production stops the run', () => {
  const config = { environments: { production: { variable: 'PROD_URL' } } }
  const url = 'postgresql://live:secret@db.example.com/shop'
  expect(() => of(config, { PROD_URL: url, TEST_DATABASE_URL: url.replace('db', 'DB') })).toThrow(
    'ENVIRONMENTS_SHARE_DATABASE',
  )
})

test('what leads to production refuses, and it is said in one line', () => {
  const config = {
    environments: { production: { variable: 'PROD_URL' } },
    select: { flags: { production: 'USE_PROD' } },
  }
  const variables = {
    PROD_URL: 'postgresql://live:secret@db.example.com/shop',
    REPORT_DB_HOST: 'db.example.com',
    USE_PROD: 'true',
  }
  const environment = of(config, variables)
  expect(environmentLines(environment)).toEqual([
    'USE_PROD=true is not followed: tests run in test',
    'production is out of reach: in tests PROD_URL, REPORT_DB_HOST refuse',
  ])
  writeFileSync(join(folder, '.env'), 'REPORTS_URL=postgresql+psycopg://live@db.example.com/shop\n')
  expect(of(config, variables).refusals.map(each => each.variable)).toContain('REPORTS_URL')
  rmSync(join(folder, '.env'))
})
