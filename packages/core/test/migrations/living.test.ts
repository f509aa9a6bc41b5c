import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import type { SeedbedConfig } from '../../src/config/config.js'
import type { LivingTarget } from '../../src/migrations/migration-plan.js'
import { planMigrations } from '../../src/migrations/plan-migrations.js'
import { environmentVariables } from '../../src/run/connection-variables.js'
import { failureOf, makeProject, query, useServer } from './project.js'

// A database that keeps its data: what it has had is noted in it, and only what is pending runs.
const server = useServer(15)
const lock = 'provider = "postgresql"\n'

/** With the schema that a marker stands in. */
async function living(config: SeedbedConfig = {}): Promise<LivingTarget & { ran: string[] }> {
  const url = await server.database()
  await query(url, 'create schema seedbed')
  const ran: string[] = []
  return {
    ...{ url, environment: 'staging', knownRoles: [], ran, variables: environmentVariables(url, 'staging', config) },
    progress: name => ran.push(name),
    async connect() {
      const client = new Client(url)
      await client.connect()
      return client
    },
  }
}

/** For what imports packages. */
const linkPackages = (folder: string) =>
  symlink(fileURLToPath(new URL('../../../../node_modules', import.meta.url)), join(folder, 'node_modules'))

async function historyIn({ connect }: LivingTarget, folder: string, config: SeedbedConfig = {}) {
  const client = await connect()
  try {
    return await (await planMigrations(folder, config)).history(client)
  } finally {
    await client.end()
  }
}

const migrateIn = async (target: LivingTarget, folder: string, config: SeedbedConfig = {}) =>
  (await planMigrations(folder, config)).migrate(target)

describe('.sql files', () => {
  test('run once each; what comes later runs later, in a session that sees what was set', async () => {
    await using project = await makeProject({
      'migrations/1_users.sql': 'create table users (id int)',
      'migrations/2_more.sql': 'alter table users add name text; set role none; set search_path = nowhere',
    })
    const target = await living()
    expect(await historyIn(target, project.folder)).toMatchObject({
      applied: [],
      pending: ['1_users.sql', '2_more.sql'],
    })
    expect(await migrateIn(target, project.folder)).toEqual(['1_users.sql', '2_more.sql'])
    expect(await migrateIn(target, project.folder)).toEqual([])
    expect(target.ran).toEqual(['1_users.sql', '2_more.sql'])

    // One that somebody else has merged before the last.
    await project.write({ 'migrations/1b_towns.sql': 'create table towns (id int)' })
    expect((await planMigrations(project.folder, {})).version).toBe('2_more.sql')
    expect(await migrateIn(target, project.folder)).toEqual(['1b_towns.sql'])
    expect(await query(target.url, 'select name from seedbed.migrations order by started_at')).toEqual([
      ...['1_users.sql', '2_more.sql', '1b_towns.sql'],
    ])
  })

  test('one that was edited since, and one that the project has no more, are told; line ends do not count', async () => {
    await using project = await makeProject({
      'migrations/1.sql': 'create table a (id int);\nselect 1;\n',
      'migrations/2.sql': 'create table b (id int)',
      'migrations/3.sql': 'create table c (id int)',
    })
    const target = await living()
    await migrateIn(target, project.folder)
    await using later = await makeProject({
      'migrations/1.sql': 'create table a (id int);\r\nselect 1;\r\n',
      'migrations/2.sql': 'create table b (id bigint)',
    })
    expect(await historyIn(target, later.folder)).toEqual({
      ...{ applied: ['1.sql', '2.sql'], pending: [], changed: ['2.sql'], unknown: ['3.sql'], unfinished: [] },
    })
  })

  test('of one that fails nothing stays, and those before it are noted', async () => {
    await using project = await makeProject({
      'migrations/1.sql': 'create table a (id int)',
      'migrations/2.sql': 'create table b (id int); select nope',
    })
    const target = await living()
    expect(await failureOf(migrateIn(target, project.folder))).toMatchObject({ code: 'SQL_FAILED' })
    expect(await historyIn(target, project.folder)).toMatchObject({
      applied: ['1.sql'],
      pending: ['2.sql'],
      unfinished: [],
    })
    await project.write({ 'migrations/2.sql': 'create table b (id int)' })
    expect(await migrateIn(target, project.folder)).toEqual(['2.sql'])
  })

  test('one without a transaction that fails is not run twice, and the way out works', async () => {
    await using project = await makeProject({
      'migrations/1.sql': 'create table a (id int)',
      'migrations/2.sql': '-- seedbed: no transaction\ncreate table b (id int); select nope;',
    })
    const target = await living()
    await failureOf(migrateIn(target, project.folder))
    await project.write({ 'migrations/2.sql': 'create table b (id int)' })
    const refused = await failureOf(migrateIn(target, project.folder))
    expect(refused).toMatchObject({ code: 'MIGRATION_UNFINISHED' })
    await query(target.url, 'drop table b')
    await query(target.url, /delete from .*?;/.exec(refused.hint)![0])
    expect(await migrateIn(target, project.folder)).toEqual(['2.sql'])
  })

  test('a database with tables and no notes is refused, until somebody says what it has had', async () => {
    await using project = await makeProject({
      'migrations/1.sql': 'create table a (id int)',
      'migrations/2.sql': 'create table b (id int)',
    })
    const target = await living()
    await query(target.url, 'create table a (id int)')
    const refused = await failureOf(migrateIn(target, project.folder))
    expect(refused).toMatchObject({ code: 'MIGRATIONS_UNRECORDED' })
    expect(refused.message).toContain('public.a')

    const plan = await planMigrations(project.folder, {})
    expect(await failureOf(plan.adopt!(target, '3.sql'))).toMatchObject({ code: 'MIGRATION_UNKNOWN' })
    expect(await plan.adopt!(target, '1.sql')).toEqual(['1.sql'])
    expect(await failureOf(plan.adopt!(target, '2.sql'))).toMatchObject({ code: 'MIGRATIONS_RECORDED' })
    expect(await plan.migrate(target)).toEqual(['2.sql'])
  })

  test('a schema.sql that has changed cannot be applied to what it has made', async () => {
    await using project = await makeProject({ 'schema.sql': 'create table a (id int)' })
    const target = await living()
    expect(await migrateIn(target, project.folder)).toEqual(['schema.sql'])
    expect(await migrateIn(target, project.folder)).toEqual([])
    await project.write({ 'schema.sql': 'create table a (id int, name text)' })
    expect(await failureOf(migrateIn(target, project.folder))).toMatchObject({ code: 'SCHEMA_FILE_CHANGED' })
  })
})

describe('of a tool, noted as the tool does it', () => {
  test('Prisma: what a failed one has left is Prisma’s to resolve', async () => {
    await using project = await makeProject({
      'prisma/migrations/migration_lock.toml': lock,
      'prisma/migrations/1_init/migration.sql': 'create table a (id int)',
    })
    const target = await living()
    expect(await migrateIn(target, project.folder)).toEqual(['1_init'])
    await project.write({ 'prisma/migrations/2_more/migration.sql': 'select nope' })
    expect(await failureOf(migrateIn(target, project.folder))).toMatchObject({ code: 'SQL_FAILED' })
    expect(await historyIn(target, project.folder)).toMatchObject({ applied: ['1_init'], unfinished: ['2_more'] })
    const refused = await failureOf(migrateIn(target, project.folder))
    expect(refused.hint).toContain('npx prisma migrate resolve --rolled-back 2_more')
    // as that command does
    await query(target.url, "update _prisma_migrations set rolled_back_at = now() where migration_name = '2_more'")
    await project.write({ 'prisma/migrations/2_more/migration.sql': 'create index concurrently i on a (id)' })
    expect(await migrateIn(target, project.folder)).toEqual(['2_more'])
    expect(await migrateIn(target, project.folder)).toEqual([])
  })

  test('drizzle-kit', async () => {
    const entry = (idx: number, tag: string) => ({
      idx,
      version: '7',
      when: 1_700_000_000_000 + idx,
      tag,
      breakpoints: true,
    })
    const journal = (...entries: object[]) => JSON.stringify({ version: '7', dialect: 'postgresql', entries })
    await using project = await makeProject({
      'drizzle/meta/_journal.json': journal(entry(0, '0000_a')),
      'drizzle/0000_a.sql': 'create table a (id int)',
    })
    const target = await living()
    expect(await migrateIn(target, project.folder)).toEqual(['0000_a'])
    await project.write({
      'drizzle/meta/_journal.json': journal(entry(0, '0000_a'), entry(1, '0001_b')),
      'drizzle/0001_b.sql': 'create table b (id int);--> statement-breakpoint\ncreate table c (id int)',
    })
    expect(await historyIn(target, project.folder)).toMatchObject({ applied: ['0000_a'], pending: ['0001_b'] })
    expect(await migrateIn(target, project.folder)).toEqual(['0001_b'])
    expect(await migrateIn(target, project.folder)).toEqual([])
    expect(await query(target.url, 'select count(*)::int from drizzle.__drizzle_migrations')).toEqual([2])
  })

  test('knex: looked at without making its table; its seeds are not loaded with the migrations', async () => {
    const file = (table: string) => `exports.up = knex => knex.schema.createTable('${table}', t => { t.increments() })
      exports.down = () => {}`
    await using project = await makeProject({
      'package.json': '{}',
      'knexfile.js': "module.exports = { client: 'pg', seeds: { directory: './knex-seeds' } }",
      'migrations/1_a.js': file('a'),
      'knex-seeds/a.js': "exports.seed = knex => knex('a').insert({ id: 7 })",
    })
    await linkPackages(project.folder)
    const target = await living()
    expect(await historyIn(target, project.folder)).toMatchObject({ pending: ['1_a.js'] })
    expect(await query(target.url, "select to_regclass('knex_migrations')::text")).toEqual([null])
    expect(await migrateIn(target, project.folder)).toEqual(['1_a.js'])
    await project.write({ 'migrations/2_b.js': file('b') })
    expect(await migrateIn(target, project.folder)).toEqual(['2_b.js'])
    expect(await migrateIn(target, project.folder)).toEqual([])
    expect(await query(target.url, 'select count(*)::int from a')).toEqual([0])
    await (
      await planMigrations(project.folder, {})
    ).seed!(target)
    expect(await query(target.url, 'select id from a')).toEqual([7])
  })

  test('a command runs when what it depends on has changed, with the environment’s name', async () => {
    await using project = await makeProject({
      'migrate.mjs': `import pg from 'pg'
        const client = new pg.Client(process.env.DATABASE_URL)
        await client.connect()
        await client.query('create table if not exists runs (environment text)')
        await client.query('insert into runs values ($1)', [process.env.ENVIRONMENT + ' ' + process.env.DB_NAME])
        await client.end()`,
      'models/a.txt': 'a',
    })
    const config: SeedbedConfig = {
      migrations: { command: 'node migrate.mjs', dependsOn: ['models'] },
      variables: ({ database }) => ({ DB_NAME: database }),
    }
    await linkPackages(project.folder)
    const target = await living(config)
    const version = async () => (await planMigrations(project.folder, config)).version
    const first = await version()
    expect(first).toMatch(/^command [0-9a-f]{12}$/)
    expect(await migrateIn(target, project.folder, config)).toHaveLength(1)
    expect(await migrateIn(target, project.folder, config)).toEqual([])
    await project.write({ 'models/a.txt': 'b' })
    expect(await version()).not.toBe(first)
    expect(await historyIn(target, project.folder, config)).toMatchObject({
      pending: [expect.any(String)],
      changed: [],
    })
    expect(await migrateIn(target, project.folder, config)).toHaveLength(1)
    const name = new URL(target.url).pathname.slice(1)
    expect(await query(target.url, 'select environment from runs')).toEqual([`staging ${name}`, `staging ${name}`])
  })
})
