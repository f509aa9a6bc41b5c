import { refusalsOf } from '@seedbed/environments'
import { expect, test } from 'vitest'

const apart = {
  environments: {
    test: { url: 'postgresql://t@localhost/shop_test' },
    production: {
      variable: 'PROD_URL',
      internal: { url: 'postgresql://l:x@db-internal/shop' },
      parts: { prefix: 'LIVE_' },
    },
  },
}
const shared = {
  environments: {
    test: { url: 'postgresql://t@db.example.com/shop_test' },
    production: { url: 'postgresql://l:x@db.example.com/shop' },
  },
}
const PROD_URL = 'postgresql://l:x@db.example.com/shop'

const refused = (config: typeof apart | typeof shared, variables: Record<string, string>, except?: string) =>
  refusalsOf({ config, variables: { PROD_URL, ...variables } }, except)(variables).map(each => each.variable)

test.each([
  ['a URL', 'postgresql://other:y@DB.example.com:5432/shop?sslmode=require'],
  ["a driver's URL", 'postgresql+asyncpg://l:x@db.example.com/shop'],
  ['a JDBC URL', 'jdbc:postgresql://db.example.com/shop?user=l'],
  ["libpq's words", "host=db.example.com dbname='shop' user=l"],
  ['the internal address', 'postgresql://l:x@db-internal/shop'],
  ['the host alone', 'db.example.com'],
  ['the host in capitals, with a dot', 'DB.EXAMPLE.COM.'],
  ['another database of that server', 'postgresql://l:x@db.example.com/postgres'],
])('%s', (_, value) => {
  expect(refused(apart, { ANY: value })).toEqual(['ANY'])
  expect(refused(apart, { ANY: value }, 'production')).toEqual([])
})

test.each(['postgresql://t@localhost/shop_test', 'shop', 'https://db.example.com/shop', '5432', 'true', ''])(
  '%s leads elsewhere',
  value => {
    expect(refused(apart, { ANY: value })).toEqual([])
  },
)

test('on a server that test shares with production, only what names its database', () => {
  expect(refused(shared, { ANY: 'postgresql://t@db.example.com/shop_test' })).toEqual([])
  expect(refused(shared, { ANY: 'postgresql://l@db.example.com/shop' })).toEqual(['ANY'])
  expect(refused(shared, { PGHOST: 'db.example.com', PGDATABASE: 'shop_test' })).toEqual([])
  expect(refused(shared, { PGHOST: 'db.example.com', PGDATABASE: 'shop' })).toEqual(['PGHOST', 'PGDATABASE'])
  expect(refused(shared, { APP_NAME: 'shop' })).toEqual([])
})

test('on this machine a path, or a service of the same machine, is not taken for production', () => {
  const local = {
    environments: { production: { url: 'postgresql://l:x@localhost:6000/shop' } },
  } as unknown as typeof apart
  expect(refused(local, { HOME: '/root', REDIS_HOST: 'localhost', SHELL: '/bin/sh', DB: 'shop' })).toEqual([])
  expect(
    refused(local, { DB_HOST: '/var/run/postgresql', DB_NAME: 'shop', OLD_HOST: '127.0.0.1', OLD_DATABASE: 'other' }),
  ).toEqual(['DB_HOST', 'DB_NAME'])
})

test('what is put in its place reaches nothing and says why', () => {
  const [url, host] = refusalsOf({ config: apart, variables: { PROD_URL } })({ A: PROD_URL, B: 'db.example.com' })
  expect(decodeURIComponent(new URL(url!.value).hostname)).toBe('/seedbed: production is refused here')
  expect(host!.value).toBe('/seedbed: production is refused here')
})
