import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { Client, escapeIdentifier } from 'pg'
import {
  assertGuarded,
  markDatabase,
  openGuarded,
  type GuardedSession,
  type Operation,
} from '@seedbed/environments/guard'
import {
  connectionsTo,
  majors,
  openAlias,
  openOtherFolder,
  openShop,
  refusal,
  run,
  targetIn,
  type Shop,
} from './support.js'

const destructive = ['reset', 'drop', 'truncate', 'overwrite'] as const

describe.each(majors)('PostgreSQL %i', version => {
  let shop: Shop
  beforeAll(async () => {
    shop = await openShop(version)
  })
  afterAll(async () => {
    expect(await shop.canary()).toBe(49)
    await shop[Symbol.asyncDispose]()
  })
  const open = (environment: string, operation: Operation, url?: string) =>
    openGuarded(shop.target(environment, url), operation, shop.options)

  test('what is marked as this environment may be reset, and the log says so before and after', async () => {
    await shop.admin('create table public.users as select generate_series(1, 3) as id', 'shop_test')
    await shop.admin('alter table public.users owner to maker', 'shop_test')
    {
      await using session = await open('test', 'reset')
      await session.query('truncate public.users')
      session.report(3)
      expect(session).toMatchObject({ name: 'shop_test', database: 'main', operation: 'reset' })
      expect(session.environment.name).toBe('test')
    }
    expect(await shop.admin('select * from users', 'shop_test')).toEqual([])
    expect((await shop.audit()).slice(-2)).toEqual([
      expect.stringMatching('^reset allowed its marker says so, by '),
      expect.stringMatching('^reset done its marker says so, by '),
    ])
  })

  test.each(destructive)('no %s of a protected environment, and no connection to it', async operation => {
    const everyWay = { CI: 'true', SEEDBED_CONSENT: 'yes', SEEDBED_YES: 'true', USE_PROD_DATABASE: 'true', FORCE: '1' }
    const connections = await connectionsTo(shop, 'shop_production', async () => {
      expect(await refusal(open('production', operation))).toBe('GUARD_PROTECTED')
      const options = { ...shop.options, variables: everyWay }
      expect(await refusal(openGuarded(shop.target('production'), operation, options))).toBe('GUARD_PROTECTED')
      // What says of itself that it may be touched.
      const { environment } = shop.target('production')
      const forged = { ...environment, tier: 'test' as const, protected: false }
      expect(await refusal(openGuarded({ environment: forged, database: 'main' }, operation, shop.options))).toBe(
        'GUARD_PROTECTED',
      )
    })
    expect(connections).toBe(0)
    expect((await shop.audit()).at(-1)).toBe(`${operation} refused GUARD_PROTECTED`)
    const protectedStaging = {
      environments: {
        ...shop.config.environments,
        staging: { url: shop.config.environments!.staging!.url, protected: true },
      },
    }
    const target = targetIn(protectedStaging, 'staging')
    const unprotected = { ...target, environment: { ...target.environment, protected: false } }
    const options = { ...shop.options, config: protectedStaging }
    expect(await refusal(openGuarded(unprotected, operation, options))).toBe('GUARD_PROTECTED')
  })

  test('an environment that the config does not have, or has otherwise, is refused', async () => {
    const { environment } = shop.target('test')
    const forged = [
      { ...environment, name: 'tset' },
      { ...environment, name: 'TEST ' },
      { ...environment, name: 'staging' },
      { ...environment, tier: 'development' as const },
      { ...environment, databases: { main: { ...environment.databases.main!, database: 'shop_staging' } } },
    ]
    for (const each of forged) {
      expect(await refusal(openGuarded({ environment: each, database: 'main' }, 'reset', shop.options))).toBe(
        'GUARD_ENVIRONMENT_DIFFERS',
      )
    }
    expect(await refusal(openGuarded({ environment, database: 'other' }, 'reset', shop.options))).toBe(
      'GUARD_ENVIRONMENT_DIFFERS',
    )
  })

  test.each([{ VITEST: 'true' }, { JEST_WORKER_ID: '1' }, { NODE_TEST_CONTEXT: 'child' }, { TEST_WORKER_INDEX: '0' }])(
    'under a runner (%o) there is only test',
    async variables => {
      const options = { ...shop.options, variables }
      const connections = await connectionsTo(shop, 'shop_staging', async () => {
        expect(await refusal(openGuarded(shop.target('staging'), 'reset', options))).toBe('GUARD_ONLY_TEST')
        expect(await refusal(openGuarded(shop.target('staging'), 'migrate', options))).toBe('GUARD_ONLY_TEST')
      })
      expect(connections).toBe(0)
      await using session = await openGuarded(shop.target('test'), 'reset', options)
      assertGuarded(session, 'reset')
    },
  )

  test('the URL of another environment is refused without a connection, however it is written', async () => {
    const connections = await connectionsTo(shop, 'shop_production', async () => {
      const url = shop.urlFor({ user: 'maker', database: 'shop_production' })
      for (const each of [url, 'postgresql://localhost/shop_production', 'postgres://[::1]:5432/shop_production']) {
        expect(await refusal(open('test', 'reset', each))).toBe('ENVIRONMENTS_SHARE_DATABASE')
      }
      const pooled = { url: 'postgresql://pooler.example.com/shop_production' }
      const config = {
        environments: { ...shop.config.environments, production: { ...shop.config.environments!.production, pooled } },
      }
      const target = targetIn(config, 'test', pooled.url)
      expect(await refusal(openGuarded(target, 'reset', { ...shop.options, config }))).toBe(
        'ENVIRONMENTS_SHARE_DATABASE',
      )
    })
    expect(connections).toBe(0)
  })

  test('production by an address that nobody knows is known by its identity, also without its marker', async () => {
    await using alias = await openAlias(shop.server)
    await using elsewhere = await openOtherFolder()
    const url = `postgresql://maker@127.0.0.1:${alias.port}/shop_production`
    const withoutMemory = { ...shop.options, folder: elsewhere.folder }

    expect(await refusal(open('test', 'reset', url))).toBe('GUARD_REMEMBERED')
    expect(await refusal(openGuarded(shop.target('test', url), 'reset', withoutMemory))).toBe('GUARD_MARKER_OF_ANOTHER')
    await shop.admin('alter schema seedbed rename to gone', 'shop_production')
    expect(await refusal(open('test', 'reset', url))).toBe('GUARD_REMEMBERED')
    expect(await refusal(openGuarded(shop.target('test', url), 'reset', withoutMemory))).toBe('GUARD_MARKER_MISSING')
    await shop.admin('alter schema gone rename to seedbed', 'shop_production')
  })

  test('what is remembered and cannot be read is refused', async () => {
    await using elsewhere = await openOtherFolder()
    const options = { ...shop.options, folder: elsewhere.folder }
    for (const text of ['{"environment":"production"', '{}', 'null', '']) {
      await writeFile(join(elsewhere.folder, '.seedbed', 'identities', 'production.main.json'), text)
      expect(await refusal(openGuarded(shop.target('test'), 'reset', options))).toBe('GUARD_MEMORY_UNREADABLE')
    }
  })

  test('an unmarked database is refused for everything but its creation', async () => {
    await shop.admin('create database shop_development owner maker')
    for (const operation of ['reset', 'drop', 'truncate', 'overwrite', 'migrate', 'seed'] as const) {
      expect(await refusal(open('development', operation))).toBe('GUARD_MARKER_MISSING')
    }
    expect(await refusal(open('development', 'create'))).toBe('GUARD_DATABASE_EXISTS')
    await shop.admin('drop database shop_development')
  })

  test('another project, tier or database of the same name is another', async () => {
    for (const change of [{ project: 'bank' }, { databases: ['other'] }]) {
      const config = { ...shop.config, ...change } as typeof shop.config
      const environment = targetIn(config, 'test').environment
      const database = change.databases?.[0] ?? 'main'
      expect(await refusal(openGuarded({ environment, database }, 'reset', { ...shop.options, config }))).toBe(
        'GUARD_MARKER_OF_ANOTHER',
      )
    }
    const staging = { tier: 'development' as const, url: shop.config.environments!.staging!.url }
    const config = { ...shop.config, environments: { ...shop.config.environments, staging } }
    expect(await refusal(openGuarded(targetIn(config, 'staging'), 'reset', { ...shop.options, config }))).toBe(
      'GUARD_MARKER_OF_ANOTHER',
    )
  })

  test('a marker that came along in a copy, from production to test and back, says nothing', async () => {
    await shop.admin('alter database shop_test rename to shop_test_before')
    await shop.admin('create database shop_test template shop_production owner maker')
    expect(await refusal(open('test', 'reset'))).toBe('GUARD_MARKER_COPIED')
    await shop.admin('drop database shop_test')
    await shop.admin('alter database shop_test_before rename to shop_test')

    await shop.admin('alter database shop_production rename to shop_production_before')
    await shop.admin('create database shop_production template shop_test owner maker')
    expect(await refusal(open('production', 'migrate'))).toBe('GUARD_MARKER_COPIED')
    await shop.admin('drop database shop_production')
    await shop.admin('alter database shop_production_before rename to shop_production')
  })

  test('a restored dump brings its marker along, onto another server too', async () => {
    const [row] = await shop.admin('select * from seedbed.marker', 'shop_test')
    await using other = await openShop(version)
    await run(
      other.urlFor({ user: 'maker', database: 'shop_test' }),
      `update seedbed.marker set system_identifier = $1, database_oid = $2`,
      [row!.system_identifier, row!.database_oid],
    )
    expect(await refusal(openGuarded(other.target('test'), 'reset', other.options))).toBe('GUARD_MARKER_COPIED')
  })

  test('a database that was renamed is what it was', async () => {
    await shop.admin('alter database shop_test rename to shop_test_before')
    await shop.admin('alter database shop_staging rename to shop_test')
    expect(await refusal(open('test', 'reset'))).toBe('GUARD_MARKER_OF_ANOTHER')
    await shop.admin('alter database shop_test rename to shop_staging')
    await shop.admin('alter database shop_test_before rename to shop_test')
    await using session = await open('test', 'reset')
    assertGuarded(session, 'reset')
  })

  test('SQL in a name is a name', async () => {
    const name = `x"; drop database "shop_staging'; --`
    const url = shop.urlFor({ user: 'maker', database: name })
    const config = { ...shop.config, environments: { ...shop.config.environments, test: { url } } }
    const options = { ...shop.options, config }
    const target = targetIn(config, 'test')
    expect(await refusal(openGuarded(target, 'reset', options))).toBe('GUARD_DATABASE_MISSING')
    {
      await using session = await openGuarded(target, 'create', options)
      await session.query(`create database ${escapeIdentifier(session.name)}`)
      await markDatabase(session, target, options)
    }
    {
      await using session = await openGuarded(target, 'drop', options)
      await session.query(`drop database ${escapeIdentifier(session.name)} with (force)`)
    }
    expect(
      await shop.admin(`select datname from pg_database where datname like 'shop%' or datname like 'x%' order by 1`),
    ).toEqual([{ datname: 'shop_production' }, { datname: 'shop_staging' }, { datname: 'shop_test' }])
  })

  test('while a database is being dropped it cannot be renamed, and so not be replaced', async () => {
    await shop.make('development')
    await using session = await open('development', 'drop')
    await expect(shop.admin('alter database shop_development rename to other')).rejects.toThrow('being accessed')
    await session.query('drop database shop_development with (force)')
    session.report(0)
    expect(await shop.admin(`select from pg_database where datname = 'shop_development'`)).toEqual([])
  })

  test('only what the guard has opened is let through', async () => {
    const client = new Client(shop.urlFor({ user: 'maker', database: 'shop_test' }))
    const session = await open('test', 'reset')
    const notGuarded = [
      client,
      {},
      null,
      undefined,
      'session',
      { ...session },
      Object.create(session),
      new Proxy(session, {}),
      structuredClone({ operation: 'reset' }),
    ]
    for (const each of notGuarded) {
      expect(() => assertGuarded(each, 'reset')).toThrow('the guard has not opened it')
    }
    expect(() => assertGuarded(session, 'drop')).toThrow('it was opened to reset')
    expect(() => Object.assign(session, { operation: 'drop' })).toThrow(TypeError)
    assertGuarded(session, 'reset')
    await session[Symbol.asyncDispose]()
    expect(() => assertGuarded(session, 'reset')).toThrow('it is closed')
    await expect(session.query('select 1')).rejects.toMatchObject({ code: 'GUARD_NOT_GUARDED' })
    expect(
      await refusal(markDatabase(session as unknown as GuardedSession<'create'>, shop.target('test'), shop.options)),
    ).toBe('GUARD_NOT_GUARDED')
  })

  test('what changes after the look changes nothing: a session stays where it was opened', async () => {
    const target = shop.target('test')
    const config = structuredClone(shop.config)
    const variables: Record<string, string> = {}
    await using session = await openGuarded(target, 'reset', { ...shop.options, config, variables })
    variables.ENVIRONMENT = 'production'
    config.environments!.test!.url = config.environments!.production!.url
    target.environment.databases.main!.url = config.environments!.production!.url!
    target.environment.name = 'production'
    expect((await session.query('select current_database() as name')).rows).toEqual([{ name: 'shop_test' }])
    expect([session.environment.name, session.name]).toEqual(['test', 'shop_test'])
    // Nor can another database take its place.
    await expect(shop.admin('alter database shop_test rename to other')).rejects.toThrow('being accessed')
  })

  test('a session whose server process has ended acts no more, and is not replaced', async () => {
    await using session = await open('test', 'reset')
    const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid')
    await shop.admin(`select pg_terminate_backend(${rows[0]!.pid}, 5000)`)
    await expect(session.query('select 1')).rejects.toThrow()
    await expect(session.query('select 1')).rejects.toThrow()
  })

  test('the role of the environment needs no rights but its own', async () => {
    const [row] = await shop.admin<{ plain: boolean }>(
      `select not (rolsuper or rolcreaterole or rolreplication or rolbypassrls) as plain from pg_roles where rolname = 'maker'`,
    )
    expect(row!.plain).toBe(true)
    await shop.admin('revoke execute on function pg_control_system() from public', 'shop_staging')
    expect(await refusal(open('staging', 'reset'))).toBe('GUARD_IDENTITY_HIDDEN')
    await shop.admin('grant execute on function pg_control_system() to maker', 'shop_staging')
    await using session = await open('staging', 'reset')
    assertGuarded(session, 'reset')
  })
})

test('a plain client is no guarded session, and one operation is not another', () => {
  expectTypeOf<Client>().not.toExtend<GuardedSession>()
  expectTypeOf<GuardedSession<'migrate'>>().not.toExtend<GuardedSession<'reset'>>()
  expectTypeOf<GuardedSession<'reset'>>().toExtend<GuardedSession>()
  expectTypeOf<Omit<GuardedSession<'reset'>, never>>().toExtend<GuardedSession<'reset'>>()
  type Parts = Pick<GuardedSession<'reset'>, 'operation' | 'environment' | 'database' | 'name' | 'query' | 'report'>
  expectTypeOf<Parts & AsyncDisposable>().not.toExtend<GuardedSession<'reset'>>()
})
