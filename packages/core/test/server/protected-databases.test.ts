import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { refuseProtectedDatabases } from '../../src/server/protected-databases.js'

describe.each([15, 18] as const)('PostgreSQL %i', version => {
  let server: PostgresForTests
  beforeAll(async () => {
    server = await startPostgres({ version, settings: { log_connections: 'on' } })
    await run(
      'create role shop login; create role tests login createdb; create role readers; create role "Odd ""role" login createdb',
      'create role helper superuser',
    )
  })
  afterAll(() => server[Symbol.asyncDispose]())
  beforeEach(() =>
    run(
      'drop database if exists "the shop"', 'revoke helper, readers, shop from tests', 'create database "the shop" owner shop',
      'alter database "the shop" allow_connections true',
    ),
  ) // prettier-ignore

  async function run(...statements: string[]) {
    const client = new Client(server.url)
    await client.connect()
    for (const statement of statements) await client.query(statement)
    await client.end()
  }
  const refused = async (user = 'tests') => {
    const protectedDatabases = [
      {
        environment: 'production',
        protected: true,
        database: 'main',
        url: server.urlFor({ user: 'shop', database: 'the shop' }),
      },
      {
        environment: 'production',
        protected: true,
        database: 'other',
        url: 'postgresql://shop@elsewhere.example/postgres',
      },
    ]
    const message = await refuseProtectedDatabases(server.urlFor({ user }), protectedDatabases).then(
      () => 'allowed',
      (error: Error) => error.message,
    )
    // It has asked from outside.
    expect(await server.log()).not.toMatch(/connection authorized: user=\S+ database=the shop/)
    return message
  }

  test('everybody may connect, unless that is revoked: the statements are the way out', async () => {
    const message = await refused()
    expect(message).toBe(
      'The database the shop of production is on the server of the tests, and their role tests may connect to it.\n\n' +
        '  Let an administrator run:\n  GRANT CONNECT ON DATABASE "the shop" TO "shop";\n' +
        '  REVOKE CONNECT ON DATABASE "the shop" FROM PUBLIC;\n  (SERVER_HOLDS_PROTECTED_DATABASE)',
    )
    await run(...[...message.matchAll(/^ {2}((?:GRANT|REVOKE).*);$/gm)].map(([, statement]) => statement!))
    expect(await refused()).toBe('allowed')
    const shop = new Client(server.urlFor({ user: 'shop', database: 'postgres' }))
    await shop.connect()
    const { rows } = await shop.query(`select has_database_privilege('the shop', 'connect') as may`)
    expect(rows).toEqual([{ may: true }])
    await shop.end()
  })

  test('a right of its own, and of a role that it is a member of', async () => {
    await run(
      'revoke connect on database "the shop" from public',
      'grant connect on database "the shop" to "Odd ""role", readers',
    )
    expect(await refused()).toBe('allowed')
    expect(await refused('Odd "role')).toContain('REVOKE CONNECT ON DATABASE "the shop" FROM "Odd ""role"')
    await run('grant readers to tests')
    expect(await refused()).toContain('REVOKE CONNECT ON DATABASE "the shop" FROM "readers"')
  })

  test('its owner, by whom connecting can always be granted again', async () => {
    await run('revoke connect on database "the shop" from public, shop', 'grant shop to tests')
    expect(await refused()).toContain('their role tests is its owner')
  })

  test('a superuser, and a member of one', async () => {
    await run('revoke connect on database "the shop" from public')
    expect(await refused('postgres')).toContain('their role postgres is a superuser')
    await run('grant helper to tests')
    expect(await refused()).toContain('their role tests is a superuser')
  })

  test('a database that is not there yet', async () => {
    await run('drop database "the shop"')
    expect(await refused()).toBe('allowed')
  })
})
