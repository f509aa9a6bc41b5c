import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databaseUrl } from '@seedbed/environments'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import config from '../presets/test-mode.ts'
import { selections } from './selections.ts'

const variables = { DB_HOST: 'db.screening.example', DB_USER: 'live', DB_PASSWORD: 'x', DB_NAME: 'screening' }

selections(config, [
  ['nothing is said: not production', { variables }, 'PRODUCTION_NOT_CHOSEN'],
  [
    'production, explicitly',
    { variables: { ...variables, ENVIRONMENT: 'production' } },
    '[PROD] db.screening.example:5432/screening (ENVIRONMENT=production)',
  ],
  ['the test side has defaults', { flag: 'test' }, '[TEST] localhost:5433/screening_test (--env test)'],
  [
    'the test side in parts',
    { flag: 'test', variables: { TEST_DB_HOST: 'mirror', TEST_DB_PORT: '6432', TEST_DB_NAME: 'mirrored' } },
    '[TEST] mirror:6432/mirrored (--env test)',
  ],
  [
    'both lead to one database',
    {
      flag: 'test',
      variables: {
        ...variables,
        TEST_DB_HOST: 'DB.screening.example',
        TEST_DB_PORT: '5432',
        TEST_DB_NAME: 'screening',
      },
    },
    'ENVIRONMENTS_SHARE_DATABASE',
  ],
])

describe('test mode at the connection, outside of a runner', () => {
  const folder = mkdtempSync(join(tmpdir(), 'seedbed-example-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  beforeEach(() => {
    for (const name of ['VITEST', 'VITEST_POOL_ID', 'VITEST_WORKER_ID']) vi.stubEnv(name, undefined)
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  })
  afterEach(() => vi.unstubAllEnvs())

  const urlOf = (given: { testMode?: boolean }) => {
    try {
      return new URL(databaseUrl({ config, folder, ...given })).pathname
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  test('with it nothing but test is reached, whatever the variables say', () => {
    expect(urlOf({ testMode: true })).toBe('/screening_test')
    vi.stubEnv('ENVIRONMENT', 'production')
    expect(urlOf({ testMode: true })).toBe('/screening_test')
  })

  test('without it test is not reached', () => {
    vi.stubEnv('ENVIRONMENT', 'test')
    expect(urlOf({ testMode: false })).toBe('NOT_IN_TEST_MODE')
  })

  test('production was chosen, and needs consent', () => {
    vi.stubEnv('ENVIRONMENT', 'production')
    expect(urlOf({})).toBe('PRODUCTION_WITHOUT_CONSENT')
  })
})
