import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { openEmbedded } from '../../src/server/embedded.js'
import { openServer } from '../../src/server/open-server.js'
import { query, testHome } from './support.js'

let old: PostgresForTests
beforeAll(async () => {
  old = await startPostgres({ version: 15 })
  await query(old.url, `create role builder login createdb password 'a secret'; create role reader login`)
})
afterAll(() => old.stop())
afterEach(() => vi.unstubAllEnvs())

const open = (url: string) => openServer({ projectFolder: '/nowhere', config: {}, testUrl: url })

test('the configured URL, looked at and left as it is', async () => {
  const url = old.urlFor({ user: 'builder', password: 'a secret' })
  const server = await open(url)
  expect(server).toMatchObject({
    kind: 'external',
    version: '15.18',
    description: expect.stringMatching(/^PostgreSQL 15\.18 at \/.*:5432$/) as string,
    origin: 'attached',
    copy: 'wal_log',
  })
  expect(server.adminUrl).toBe(server.applicationUrl)
  expect(await query(server.adminUrl, 'select current_user::text as who')).toEqual([{ who: 'builder' }])
  await server[Symbol.asyncDispose]()
  expect(await query(url, `select from pg_stat_activity where application_name like 'seedbed%'`)).toEqual([])
})

test('what a URL leaves out does not come from the environment', async () => {
  vi.stubEnv('PGPORT', '1')
  vi.stubEnv('PGUSER', 'somebody')
  vi.stubEnv('PGHOST', 'nowhere.invalid')
  vi.stubEnv('PGDATABASE', 'production')
  const server = await open(old.urlFor({ user: 'builder' }))
  expect(server.adminUrl).toMatch(/^postgresql:\/\/builder@.*:5432\/postgres$/)
})

test.each([
  ['not a url', 'it cannot be parsed'],
  ['postgresql://app:se/cret@[/shop', 'it cannot be parsed'],
  ['mysql://app:secret@localhost/shop', 'begins with mysql:'],
  ['postgresql://app:secret@localhost', 'names no database'],
  ['postgresql://app:secret@localhost/', 'names no database'],
  ['postgresql://app:100%secret@localhost/shop', 'a % that encodes nothing'],
])('%s is refused', async (url, problem) => {
  const error = await open(url).catch((error: Error) => error)
  expect(error).toMatchObject({ code: 'SERVER_URL_INVALID', message: expect.stringContaining(problem) as string })
  expect((error as Error).message).not.toContain('cret')
})

test('nobody answers', async () => {
  await expect(open('postgresql://app:secret@127.0.0.1:1/shop')).rejects.toMatchObject({
    code: 'SERVER_UNREACHABLE',
    message: expect.stringMatching(/postgresql:\/\/app@127\.0\.0\.1:1\/shop: connect ECONNREFUSED/) as string,
  })
  await expect(open('postgresql://app:secret@nowhere.invalid/shop')).rejects.toMatchObject({
    code: 'SERVER_UNREACHABLE',
  })
  await expect(open('postgresql://app:secret@%2Fnowhere/shop')).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' })
})

test('a wrong password, none at all, an unknown role, a missing database: told apart, and no password is shown', async () => {
  await using strict = await startPostgres({ version: 18 })
  await query(strict.url, `create role builder login createdb password 'right'`)
  await query(
    strict.url,
    `copy (select 'local all builder scram-sha-256' union all select 'local all all trust') to '${strict.folder}/data/pg_hba.conf'`,
  )
  await query(strict.url, 'select pg_reload_conf()')
  const attempt = (user: string, password?: string, database?: string) =>
    open(strict.urlFor({ user, ...(password && { password }), ...(database && { database }) })).then(
      () => 'opened',
      (error: Error & { code: string }) => ({ code: error.code, message: error.message }),
    )
  await vi.waitFor(async () =>
    expect(await attempt('builder', 'wrong pass')).toMatchObject({ code: 'SERVER_REFUSES_LOGIN' }),
  )
  const wrong = await attempt('builder', 'wrong pass')
  expect(JSON.stringify(wrong)).toContain('password authentication failed')
  expect(JSON.stringify(wrong)).not.toMatch(/wrong(%20| )pass/)
  vi.stubEnv('PGPASSWORD', undefined)
  expect(JSON.stringify(await attempt('builder'))).toContain('the URL has none')
  expect(await attempt('stranger')).toMatchObject({ code: 'SERVER_REFUSES_LOGIN' })
  expect(await attempt('builder', 'right', 'shop')).toMatchObject({
    code: 'SERVER_DATABASE_MISSING',
    message: expect.stringContaining('no database shop') as string,
  })
  expect(await attempt('builder', 'right')).toBe('opened')
}, 60_000)

test('a server without TLS where the URL asks for it', async () => {
  await using place = await testHome()
  await using server = await openEmbedded({
    projectFolder: place.project,
    home: place.home,
    progress: () => {},
    listen: 'loopback',
  })
  await expect(open(`${server.adminUrl}?sslmode=verify-full`)).rejects.toMatchObject({
    code: 'SERVER_CONNECTION_FAILED',
    message: expect.stringContaining('does not support SSL') as string,
  })
})

test('a role that may not create databases: with the statement that lets it', async () => {
  await expect(open(old.urlFor({ user: 'reader' }))).rejects.toMatchObject({
    code: 'SERVER_ROLE_CANNOT_CREATE_DATABASES',
    hint: 'Let an administrator run: ALTER ROLE "reader" CREATEDB',
  })
})
