import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { assertGuarded, claimDatabase, openGuarded, type ClaimSummary } from '@seedbed/environments/guard'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectionsTo, majors, openAlias, openOtherFolder, openShop, refusal, run, type Shop } from './support.js'

describe.each(majors)('PostgreSQL %i', version => {
  let shop: Shop
  beforeAll(async () => {
    shop = await openShop(version)
  })
  afterAll(async () => {
    expect(await shop.canary()).toBe(49)
    await shop[Symbol.asyncDispose]()
  })
  const claim = (environment: string, { url, folder = shop.folder }: { url?: string; folder?: string } = {}) =>
    claimDatabase(shop.target(environment, url), { ...shop.options, folder }, async () => true)
  const reset = (environment: string, url?: string) => openGuarded(shop.target(environment, url), 'reset', shop.options)

  test('an existing database is claimed after what is in it was shown, and may be reset then', async () => {
    await shop.admin('create database shop_development owner maker')
    await shop.admin(
      `create schema app; create table app.users as select generate_series(1, 1000) as id; create table one (id int); analyze`,
      'shop_development',
    )
    expect(await refusal(reset('development'))).toBe('GUARD_MARKER_MISSING')
    let seen: ClaimSummary | undefined
    const no = claimDatabase(shop.target('development'), shop.options, async summary => {
      seen = summary
      return false
    })
    expect(await refusal(no)).toBe('GUARD_CLAIM_DECLINED')
    expect(seen).toMatchObject({
      environment: 'development',
      tier: 'development',
      project: 'shop',
      place: 'localhost:5432/shop_development',
      identity: { database: 'shop_development', role: 'maker' },
      contents: {
        tables: 2,
        rows: 1000,
        bytes: expect.any(Number),
        largest: [
          { table: 'app.users', rows: 1000, bytes: expect.any(Number) },
          { table: 'public.one', rows: 0, bytes: 0 },
        ],
        lastUsed: expect.stringMatching(/^\d{4}-/),
        sessions: 0,
      },
      marker: undefined,
      copied: false,
    })
    expect(await refusal(reset('development'))).toBe('GUARD_MARKER_MISSING')

    const marker = await claim('development')
    expect(marker).toMatchObject({
      environment: 'development',
      project: 'shop',
      databaseOid: seen!.identity.databaseOid,
    })
    await using session = await reset('development')
    assertGuarded(session, 'reset')
    expect((await shop.audit()).filter(line => line.startsWith('claim'))).toEqual([
      'claim refused GUARD_CLAIM_DECLINED',
      'claim allowed somebody has confirmed it',
    ])
  })

  test('a staging restored from production is claimed, and production is as before', async () => {
    await shop.admin('drop database shop_staging with (force)')
    await shop.admin('create database shop_staging template shop_production owner maker')
    expect(await refusal(reset('staging'))).toBe('GUARD_MARKER_COPIED')
    await claimDatabase(shop.target('staging'), shop.options, async ({ copied, marker }) => {
      expect([copied, marker?.environment]).toEqual([true, 'production'])
      return true
    })
    await using session = await reset('staging')
    assertGuarded(session, 'reset')
    await using production = await openGuarded(shop.target('production'), 'migrate', shop.options)
    assertGuarded(production, 'migrate')
  })

  test('production is claimed for nothing else, by whatever name, with its marker or without', async () => {
    await using alias = await openAlias(shop.server)
    await using elsewhere = await openOtherFolder()
    const url = `postgresql://maker@127.0.0.1:${alias.port}/shop_production`
    expect(await refusal(claim('test', { url: shop.urlFor({ user: 'maker', database: 'shop_production' }) }))).toBe(
      'ENVIRONMENTS_SHARE_DATABASE',
    )
    for (const environment of ['test', 'development', 'staging']) {
      expect(await refusal(claim(environment, { url }))).toBe('GUARD_CLAIM_OF_PROTECTED')
      expect(await refusal(claim(environment, { url, folder: elsewhere.folder }))).toBe('GUARD_CLAIM_OF_PROTECTED')
    }
    await shop.admin('alter schema seedbed rename to gone', 'shop_production')
    expect(await refusal(claim('test', { url }))).toBe('GUARD_CLAIM_OF_PROTECTED')
    await shop.admin('alter schema gone rename to seedbed', 'shop_production')
    expect(await shop.admin('select environment from seedbed.marker', 'shop_production')).toEqual([
      { environment: 'production' },
    ])
  })

  test('a runner claims nothing but test, and connects to nothing else', async () => {
    const options = { ...shop.options, variables: { VITEST: 'true' } }
    const connections = await connectionsTo(shop, 'shop_production', async () => {
      for (const environment of ['production', 'staging', 'development']) {
        const claimed = claimDatabase(shop.target(environment), options, async () => true)
        expect(await refusal(claimed)).toBe('GUARD_ONLY_TEST')
      }
    })
    expect(connections).toBe(0)
  })

  test('nobody claims what somebody works on, and the marker is not written between the look and the act', async () => {
    const session = await reset('test')
    expect(await refusal(claim('test'))).toBe('GUARD_BUSY')
    await session[Symbol.asyncDispose]()
    await claimDatabase(shop.target('test'), shop.options, async () => {
      expect(await refusal(reset('test'))).toBe('GUARD_BUSY')
      expect(await refusal(claim('test'))).toBe('GUARD_BUSY')
      return true
    })
    await using after = await reset('test')
    assertGuarded(after, 'reset')
  })

  test('what stands in the place of a marker is not written over', async () => {
    await shop.admin(
      'drop schema seedbed cascade; create schema seedbed; create view seedbed.marker as select 1',
      'shop_test',
    )
    expect(await refusal(claim('test'))).toBe('GUARD_MARKER_STRANGE')
    await shop.admin('drop schema seedbed cascade', 'shop_test')
    await shop.admin('alter database shop_test owner to postgres')
    expect(await refusal(claim('test'))).toBe('GUARD_MARKER_UNWRITABLE')
    await shop.admin('alter database shop_test owner to maker')
    await claim('test')
  })

  describe('a physical copy of production', () => {
    const copyOf = (replica: boolean) =>
      startPostgres({
        version,
        settings: {
          port: '5433',
          primary_conninfo: `host=${shop.server.folder} port=5432 user=postgres`,
          hot_standby: 'on',
        },
        copyOf: { server: shop.server, backup: backup(shop), replica },
      })
    const urlIn = ({ urlFor }: PostgresForTests) => urlFor({ user: 'maker', database: 'shop_production' })

    test('is refused, whatever it is called, until it is claimed while production runs', async () => {
      await using elsewhere = await openOtherFolder()
      await using copy = await copyOf(false)
      const url = urlIn(copy)
      expect(await refusal(reset('staging', url))).toBe('GUARD_REMEMBERED')
      const unknown = { ...shop.options, folder: elsewhere.folder }
      expect(await refusal(openGuarded(shop.target('staging', url), 'reset', unknown))).toBe('GUARD_MARKER_OF_ANOTHER')

      // The copy where production should be: nobody is shown to run elsewhere.
      const environments = {
        ...shop.config.environments,
        production: { url: shop.urlFor({ user: 'maker', database: 'gone' }) },
      }
      const withoutLive = { ...shop.options, config: { ...shop.config, environments } }
      expect(await refusal(claimDatabase(shop.target('staging', url), withoutLive, async () => true))).toBe(
        'GUARD_DATABASE_MISSING',
      )
      const other = { url: shop.urlFor({ user: 'maker', database: 'shop_test' }) }
      const elsewhereLive = {
        ...shop.options,
        config: { environments: { ...environments, test: {}, production: other } },
      }
      expect(await refusal(claimDatabase(shop.target('staging', url), elsewhereLive, async () => true))).toBe(
        'GUARD_CLAIM_OF_PROTECTED',
      )

      await claim('staging', { url })
      {
        await using session = await reset('staging', url)
        await session.query('truncate public.canary')
      }
      expect(await shop.canary()).toBe(49)
      expect(await run(urlIn(copy), 'select environment from seedbed.marker')).toEqual([{ environment: 'staging' }])
      // And the original still is production, to who knows it and to who does not.
      await using alias = await openAlias(shop.server)
      const original = `postgresql://maker@127.0.0.1:${alias.port}/shop_production`
      expect(await refusal(reset('staging', original))).toBe('GUARD_REMEMBERED')
    })

    test('that follows it is refused as a replica, and as production when it was promoted', async () => {
      await using replica = await copyOf(true)
      const url = urlIn(replica)
      expect(await refusal(reset('staging', url))).toBe('GUARD_REPLICA')
      expect(await refusal(claim('staging', { url }))).toBe('GUARD_REPLICA')
      // Production is not what its URL leads to: the other way round nothing is shown.
      await using alias = await openAlias(shop.server)
      const config = {
        ...shop.config,
        environments: { ...shop.config.environments, production: { url }, staging: {} },
      }
      const original = `postgresql://maker@127.0.0.1:${alias.port}/shop_production`
      const swapped = claimDatabase(shop.target('staging', original), { ...shop.options, config }, async () => true)
      expect(await refusal(swapped)).toBe('GUARD_CLAIM_OF_PROTECTED')

      await run(replica.urlFor({}), 'select pg_promote()')
      expect(await refusal(reset('staging', url))).toBe('GUARD_REMEMBERED')
      await claim('staging', { url })
      await using session = await reset('staging', url)
      assertGuarded(session, 'reset')
    })
  })
})

/** https://www.postgresql.org/docs/current/functions-admin.html, "Backup Control Functions". */
const backup = (shop: Shop) => async (copy: () => Promise<void>) => {
  const client = new Client(shop.server.url)
  await client.connect()
  try {
    await client.query(`select pg_backup_start('copy', true)`)
    await copy()
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
    // A commit that waits for the disk: the log is in its files up to here.
    await client.query('set synchronous_commit = on')
    await client.query(`select pg_logical_emit_message(true, 'seedbed', 'copied')`)
    return rows[0]!.labelfile
  } finally {
    await client.end()
  }
}
