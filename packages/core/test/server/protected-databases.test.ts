import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { refuseProtectedDatabases } from '../../src/server/protected-databases.js'

const markerTable = `create table seedbed.marker (id uuid not null, project text not null, environment text not null, tier text not null,
  database text not null, schema_version text, system_identifier text not null, database_oid oid not null,
  marked_at timestamptz not null, marked_by text not null)`

describe.each([15, 18] as const)('PostgreSQL %i', version => {
  let server: PostgresForTests
  const folder = mkdtempSync(join(tmpdir(), 'seedbed-protected-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
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
  async function ask(text: string) {
    const client = new Client(server.url)
    await client.connect()
    const result = await client.query<{ system: string; oid: number }>(text)
    await client.end()
    return { rows: result.rows as [{ system: string; oid: number }] }
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
    const message = await refuseProtectedDatabases(server.urlFor({ user }), folder, protectedDatabases).then(
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
        '  Let an administrator take that right away:\n  GRANT CONNECT ON DATABASE "the shop" TO "shop";\n' +
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

  test('a database that a command has met, by whatever address, and under another name now', async () => {
    await run('alter database "the shop" owner to postgres', 'alter database "the shop" rename to renamed')
    const { rows } = await ask(
      `select system_identifier::text as system, oid::int from pg_control_system(), pg_database where datname = 'renamed'`,
    )
    const known = {
      environment: 'production',
      database: 'main',
      systemIdentifier: rows[0].system,
      databaseOid: rows[0].oid,
      markerId: 'x',
    }
    mkdirSync(join(folder, '.seedbed/identities'), { recursive: true })
    writeFileSync(join(folder, '.seedbed/identities/production.main.json'), JSON.stringify(known))
    expect(await refused()).toContain('The database renamed of production is on the server of the tests')
    await run('revoke connect on database renamed from public')
    expect(await refused()).toBe('allowed')
    rmSync(join(folder, '.seedbed'), { recursive: true })
    await run('drop database renamed')
  })

  test('a URL that leads to a database that is marked as another environment', async () => {
    const environment = { name: 'production', tier: 'production' as const }
    await run(
      `create schema seedbed`,
      'grant usage on schema seedbed to public',
      'alter default privileges in schema seedbed grant select on tables to public',
      markerTable,
      `insert into seedbed.marker select gen_random_uuid(), 'p', '${environment.name}', '${environment.tier}', 'main', null, 1, 1, now(), 'a'`,
    )
    expect(await refused()).toMatch(/where tests were to run, is marked as production/)
    await run('update seedbed.marker set environment = $$test$$')
    expect(await refused()).not.toMatch(/is marked/)
    await run('alter table seedbed.marker add extra int')
    expect(await refused()).toMatch(/is marked as something that cannot be read/)
    await run('drop schema seedbed cascade')
  })

  test('a database that is not there yet', async () => {
    await run('drop database "the shop"')
    expect(await refused()).toBe('allowed')
  })
})
