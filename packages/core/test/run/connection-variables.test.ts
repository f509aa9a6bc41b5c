import { createRequire } from 'node:module'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { applyVariables } from '../../src/run/apply-variables.js'
import { connectionParts, connectionVariables } from '../../src/run/connection-variables.js'
import { refuseConnections, withOutsideEnvironment } from '../../src/run/refuse-connections.js'
import { restoreEnvironmentAfterEach } from './support.js'

restoreEnvironmentAfterEach()
afterEach(() => Reflect.deleteProperty(globalThis, Symbol.for('seedbed.outside')))

test.each([
  [
    'postgresql://app:p%40ss@localhost:5433/shop',
    { host: 'localhost', port: 5433, password: 'p@ss', database: 'shop' },
  ],
  ['postgresql://app@%2Ftmp%2Fs%20b/shop', { host: '/tmp/s b', port: 5432, password: '', database: 'shop' }],
  ['postgresql://app@[::1]:5433/sh%C3%B6p', { host: '::1', port: 5433, database: 'shöp' }],
])('%s in its parts', (url, parts) => {
  expect(connectionParts(url)).toMatchObject({ url, user: 'app', ...parts })
})

test('what the URL says of TLS holds for PG* too, and every other libpq variable goes', () => {
  const variables = connectionVariables(
    'postgresql://app@db.example.com/shop?sslmode=verify-full&sslrootcert=ca.pem',
    {},
  )
  expect(variables).toMatchObject({
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: 'ca.pem',
    PGSERVICE: null,
    PGHOSTADDR: null,
  })
})

test('the config’s own variables are computed from the parts', () => {
  const variables = connectionVariables('postgresql://app:x@h:1/d', {
    variables: ({ host, port, user, password, database }) => ({ DB: [host, port, user, password, database].join(' ') }),
  })
  expect(variables.DB).toBe('h 1 app x d')
})

test('further log-ins have URLs of their own', () => {
  const variables = connectionVariables('postgresql://app:x@h:1/d', {
    users: { 'the jobs': { role: 'job_runner' } },
    variables: ({ urlOf }) => ({ JOBS_URL: urlOf('the jobs') }),
  })
  expect(variables.JOBS_URL).toBe('postgresql://the%20jobs:x@h:1/d')
})

describe('the refusing URL', () => {
  const drivers = {
    pg: async () => {
      const client = new pg.Client(process.env.DATABASE_URL)
      await client.connect()
    },
    'pg with PG*': async () => {
      const client = new pg.Client()
      await client.connect()
    },
    knex: async () => {
      const knex = createRequire(import.meta.url)('knex') as typeof import('knex').default
      const database = knex({ client: 'pg', connection: process.env.DATABASE_URL! })
      try {
        await database.raw('select 1')
      } finally {
        await database.destroy()
      }
    },
  }
  test.each(Object.keys(drivers) as (keyof typeof drivers)[])(
    'reaches nothing and explains itself through %s',
    async name => {
      process.env.DATABASE_URL = 'postgresql://localhost/production'
      process.env.PGHOSTADDR = '127.0.0.1'
      refuseConnections()
      refuseConnections()
      await expect(drivers[name]()).rejects.toThrow(/ENOENT .*DATABASE_URL is set inside test files only/)
      expect(process.env).toMatchObject({ ENVIRONMENT: 'test', NODE_ENV: 'test' })
      expect(process.env).not.toHaveProperty('PGHOSTADDR')
    },
  )

  test('gives way only while the config is read', async () => {
    process.env.DATABASE_URL = 'postgresql://localhost/ci'
    delete process.env.PGSERVICE
    refuseConnections()
    const refusing = process.env.DATABASE_URL
    expect(refusing).not.toContain('localhost')
    await withOutsideEnvironment(async () => {
      expect(process.env.DATABASE_URL).toBe('postgresql://localhost/ci')
      expect(process.env).not.toHaveProperty('PGSERVICE')
      expect(process.env.ENVIRONMENT).toBe('test')
    })
    expect(process.env.DATABASE_URL).toBe(refusing)
    await expect(withOutsideEnvironment(() => Promise.reject(new Error('broken config')))).rejects.toThrow(
      'broken config',
    )
    expect(process.env.DATABASE_URL).toBe(refusing)
  })
})

test('applying sets and unsets', () => {
  const environment = { A: '1', B: '2' }
  applyVariables(environment, { A: null, C: '3' })
  expect(environment).toEqual({ B: '2', C: '3' })
})

test.each<[unknown, RegExp]>([
  [{ DATABASE_URL: 'postgresql://live/shop' }, /names DATABASE_URL, which/],
  [{ PGHOSTADDR: '10.0.0.1' }, /names PGHOSTADDR/],
  [{ ENVIRONMENT: 'production' }, /names ENVIRONMENT/],
  [Promise.resolve({}), /answers with a promise/],
  [{ DB_SSL: false }, /gives DB_SSL no text: it is the boolean false/],
])('what `variables` may not answer with: %j', (given, message) => {
  const variables = () => given as Record<string, string>
  expect(() => connectionVariables('postgresql://app:x@localhost:5432/w1', { variables })).toThrow(message)
})

test('a number that `variables` passes on, as a port, is its text', () => {
  const variables = ({ port }: { port: number }) => ({ DB_PORT: port }) as unknown as Record<string, string>
  expect(connectionVariables('postgresql://app:x@localhost:5432/w1', { variables })).toHaveProperty('DB_PORT', '5432')
})
