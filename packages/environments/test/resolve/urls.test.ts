import { resolveEnvironment, SeedbedError } from '@seedbed/environments'
import { describe, expect, test } from 'vitest'

const staging = (variables: Record<string, string>, more: object = {}) => {
  try {
    const environments = { staging: { variable: 'STG', parts: { prefix: 'STG_' } }, ...more }
    return resolveEnvironment({ config: { environments }, variables, flag: 'staging' }).databases.main!.url
  } catch (error) {
    if (!(error instanceof SeedbedError)) throw error
    return `${error.code}: ${error.message.split('\n', 1)[0]}`
  }
}

test.each([
  ['mysql://h/d', 'it does not begin with postgresql://'],
  ['postgresql://user:pa/ss@h/d', 'it does not parse'],
  ['postgresql:///d', 'it names no host'],
  ['postgresql://h', 'it names no database'],
  ['postgresql://h/', 'it names no database'],
  ['postgresql://h/d/e', 'it names no database'],
  ['postgresql://h%zz/d', 'it has a % that encodes nothing'],
  ['postgresql://h/d%zz', 'it has a % that encodes nothing'],
  ['postgresql://a,b/d', 'it names several hosts'],
  ['postgresql://h/d?hostaddr=192.0.2.1', 'its parameter hostaddr may lead elsewhere'],
  ['postgresql://h/d?service=prod', 'its parameter service may lead elsewhere'],
  ['postgresql://h/d?dbname=prod', 'its parameter dbname may lead elsewhere'],
  ['postgresql://h/d?host=other', 'it names a host twice'],
  ['postgresql:///d?host=/tmp&port=6000', 'it names its port as a parameter'],
  ['postgresql://h:99999/d', 'it does not parse'],
])('%s is refused: %s', (url, problem) => {
  const error = staging({ STG: url })
  expect(error).toMatch(/^ENVIRONMENT_URL_INVALID: The URL of staging, from STG, cannot be used: /)
  expect(error).toContain(problem)
  expect(error).not.toContain('pa/ss')
})

test('blanks around a URL are not of it', () => {
  expect(staging({ STG: ' postgresql://h/d\n' })).toBe('postgresql://h:5432/d')
})

test('a port that is not named is 5432, whatever PGPORT says', () => {
  expect(staging({ STG: 'postgresql://%2Ftmp/d', PGPORT: '1' })).toBe('postgresql://%2Ftmp:5432/d')
  expect(staging({ STG: 'postgresql:///d?host=/tmp', PGPORT: '1' })).toBe('postgresql:///d?host=%2Ftmp&port=5432')
})

describe('parts', () => {
  test.each([
    [{ STG_HOST: 'h', STG_NAME: 'd' }, 'postgresql://h:5432/d'],
    [
      { STG_HOST: 'h', STG_NAME: 'd', STG_USER: 'a b', STG_PASSWORD: ' p@:/?#%' },
      'postgresql://a%20b:%20p%40%3A%2F%3F%23%25@h:5432/d',
    ],
    [{ STG_HOST: '::1', STG_PORT: '6000', STG_NAME: 'd' }, 'postgresql://[::1]:6000/d'],
    [
      { STG_HOST: '/var/run/postgresql', STG_NAME: 'ü "d"' },
      'postgresql://%2Fvar%2Frun%2Fpostgresql:5432/%C3%BC%20%22d%22',
    ],
    [{ STG_HOST: 'h', STG_NAME: 'd', STG_SSLMODE: 'verify-full' }, 'postgresql://h:5432/d?sslmode=verify-full'],
  ])('%o', (variables, url) => {
    expect(staging(variables)).toBe(url)
  })

  test('half of them is nothing: the variables are named', () => {
    expect(staging({ STG_HOST: 'h' })).toMatch(/^ENVIRONMENT_WITHOUT_URL/)
    expect(staging({ STG_PORT: 'x', STG_HOST: 'h', STG_NAME: 'd' })).toMatch(/^ENVIRONMENT_URL_INVALID.*from STG_\*/)
  })
})

test.each([
  'postgresql://127.0.0.1/d', 'postgresql://[::1]:5432/d', 'postgresql://LOCALHOST./d', 'postgresql://%2Ftmp/d',
  'postgresql:///d?host=/var/run/postgresql', 'postgresql://127.1.2.3/d', 'postgresql://[::ffff:127.0.0.1]/d', 'postgresql://0.0.0.0/d',
])('%s is localhost/d by another name', url => {
  const error = staging({ STG: url }, { production: { url: 'postgresql://live@localhost:5432/d' } })
  expect(error).toMatch(/^ENVIRONMENTS_SHARE_DATABASE: staging and production are the same database, localhost:5432\/d/)
}) // prettier-ignore

test('another port or database of the same machine is another place', () => {
  const production = { production: { url: 'postgresql://live@localhost:5433/d' } }
  expect(staging({ STG: 'postgresql://localhost/d' }, production)).toBe('postgresql://localhost:5432/d')
})

test.each([
  ['no tier', { int: { url: 'postgresql://h/d' } }, 'environments.int.tier'],
  ['a tier that does not exist', { int: { tier: 'prod' } }, 'environments.int.tier'],
  ['unprotected production', { production: { protected: false } }, 'environments.production.protected'],
  ['defaults for production', { production: { parts: { prefix: 'P_', defaults: { host: 'h' } } } }, 'parts.defaults'],
  ['an alias that is a name', { production: { aliases: ['Staging'] } }, 'environments.production'],
  ['any name as production', { '*': { tier: 'production' } }, 'environments.*.tier'],
  ['test as another tier', { test: { tier: 'staging' } }, 'environments.test.tier'],
])('%s: the option is named', (_, environments, option) => {
  const error = staging({ STG: 'postgresql://h/d' }, environments)
  expect(error).toMatch(/^ENVIRONMENTS_MISCONFIGURED/)
  expect(error).toContain(option)
})

test.each(['flags', 'scripts', 'branches', 'platforms', 'default'])(
  'select.%s names an environment that there is',
  option => {
    const select = {
      flags: { nowhere: 'USE_NOWHERE' },
      scripts: { start: 'nowhere' },
      branches: { main: 'nowhere' },
      platforms: { render: { variable: 'RENDER', environment: 'nowhere' } },
      default: 'nowhere',
    }[option]
    const config = { environments: { staging: { url: 'postgresql://h/d' } }, select: { [option]: select } }
    expect(() => resolveEnvironment({ config, variables: {}, flag: 'staging' })).toThrow(`select.${option}`)
  },
)
