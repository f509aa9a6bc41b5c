import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { planMigrations } from '../../src/migrations/plan-migrations.js'
import { failureOf, makeProject, query, useServer } from './project.js'

const server = useServer(18)
const noRoles = { knownRoles: [] }
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const lock = 'provider = "postgresql"\n'

describe('prisma/migrations', () => {
  const init = '-- CreateTable\nCREATE TABLE "User" ("id" SERIAL PRIMARY KEY);\n'

  test('runs in the order of the folders, and notes what Prisma would have noted', async () => {
    await using project = await makeProject({
      'prisma/schema.prisma': 'datasource db { provider = "postgresql" }',
      'prisma/migrations/migration_lock.toml': `# comment\n${lock}`,
      'prisma/migrations/20240102000000_more/migration.sql':
        'ALTER TABLE "User" ADD "name" TEXT;INSERT INTO "User" ("name") VALUES (\'é\');',
      'prisma/migrations/20240101000000_init/migration.sql': init,
      // what must not be in a transaction stands alone in its file, as Prisma asks for
      'prisma/migrations/20240103000000_index/migration.sql':
        '-- index\nCREATE INDEX CONCURRENTLY "i" ON "User" ("name");',
    })
    const plan = await planMigrations(project.folder, {})
    expect(plan.description).toBe('prisma/migrations/ (3 of Prisma)')
    expect(Object.keys(plan.fingerprint)).toEqual([
      'prisma/migrations/migration_lock.toml',
      'prisma/migrations/20240101000000_init/migration.sql',
      'prisma/migrations/20240102000000_more/migration.sql',
      'prisma/migrations/20240103000000_index/migration.sql',
    ])
    const url = await server.database()
    await plan.apply({ url, ...noRoles })
    expect(await query(url, 'select name from "User"')).toEqual(['é'])
    expect(await query(url, "select to_regclass('i')::text")).toEqual(['i'])
    // `prisma migrate deploy` takes a migration for applied by its name, finished_at and an empty rolled_back_at
    expect(
      await query(
        url,
        'select migration_name from _prisma_migrations where finished_at is not null and rolled_back_at is null and applied_steps_count = 1 order by started_at, 1',
      ),
    ).toEqual(['20240101000000_init', '20240102000000_more', '20240103000000_index'])
    expect(await query(url, "select checksum from _prisma_migrations where migration_name like '%init'")).toEqual([
      sha256(init),
    ])
  })

  test('a failing one is named with its place', async () => {
    await using project = await makeProject({
      'prisma/migrations/migration_lock.toml': lock,
      'prisma/migrations/1_init/migration.sql': init,
      'prisma/migrations/2_broken/migration.sql': 'SELECT 1;\nALTER TABLE "Usr" ADD x int;',
    })
    const url = await server.database()
    const error = await failureOf((await planMigrations(project.folder, {})).apply({ url, ...noRoles }))
    expect(error.message).toMatch(/^prisma\/migrations\/2_broken\/migration\.sql:2:1: relation "Usr" does not exist/)
    expect(await query(url, 'select migration_name from _prisma_migrations')).toEqual(['1_init'])
  })

  test.each([
    [
      { 'prisma/migrations/migration_lock.toml': 'provider = "mysql"', 'prisma/migrations/1_a/migration.sql': '' },
      'MIGRATIONS_BROKEN',
      'are for mysql, not for postgresql',
    ],
    [
      { 'prisma/migrations/migration_lock.toml': '', 'prisma/migrations/1_a/migration.sql': '' },
      'MIGRATIONS_BROKEN',
      'names no provider',
    ],
    [
      {
        'prisma/migrations/migration_lock.toml': lock,
        'prisma/migrations/1_a/migration.sql': '',
        'prisma/migrations/2_b/README.md': '',
      },
      'MIGRATIONS_BROKEN',
      'prisma/migrations/2_b has no migration.sql',
    ],
    [
      { 'prisma/migrations/migration_lock.toml': lock },
      'MIGRATIONS_EMPTY',
      'prisma/migrations holds no folders with a migration.sql',
    ],
  ])('%j is refused', async (files, code, message) => {
    await using project = await makeProject(files)
    const error = await failureOf(planMigrations(project.folder, {}))
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
  })
})

describe('drizzle', () => {
  const journal = (...tags: string[]) =>
    JSON.stringify({
      version: '7',
      dialect: 'postgresql',
      entries: tags.map((tag, idx) => ({ idx, version: '7', when: 1_700_000_000_000 + idx, tag, breakpoints: true })),
    })
  const first =
    'CREATE TABLE "a" ("id" serial PRIMARY KEY)\n--> statement-breakpoint\nCREATE TABLE "b" ("id" int);--> statement-breakpoint\nCREATE INDEX "i" ON "b" ("id");'

  test('runs in the order of the journal, and notes what migrate() would have noted', async () => {
    await using project = await makeProject({
      'drizzle/meta/_journal.json': journal('0010_first', '0002_second'),
      'drizzle/0010_first.sql': first,
      'drizzle/0002_second.sql': 'INSERT INTO "b" VALUES (7);',
      'drizzle/0003_not_in_the_journal.sql': 'broken',
    })
    const plan = await planMigrations(project.folder, {})
    expect(plan.description).toBe('drizzle/ (2 of drizzle-kit)')
    expect(Object.keys(plan.fingerprint)).toEqual([
      'drizzle/meta/_journal.json',
      'drizzle/0010_first.sql',
      'drizzle/0002_second.sql',
    ])
    const url = await server.database()
    await plan.apply({ url, ...noRoles })
    expect(await query(url, 'select id from b')).toEqual([7])
    expect(
      await query(url, "select concat_ws(' ', id, hash, created_at) from drizzle.__drizzle_migrations order by id"),
    ).toEqual([`1 ${sha256(first)} 1700000000000`, `2 ${sha256('INSERT INTO "b" VALUES (7);')} 1700000000001`])
  })

  test('the table of drizzle.config is taken', async () => {
    await using project = await makeProject({
      'drizzle.config.ts':
        "export default defineConfig({ out: './db', migrations: { table: 'done', schema: \"own\" } })",
      'db/meta/_journal.json': journal('0000_a'),
      'db/0000_a.sql': 'select 1',
    })
    const url = await server.database()
    const plan = await planMigrations(project.folder, {})
    expect(Object.keys(plan.fingerprint)).toContain('drizzle.config.ts')
    await plan.apply({ url, ...noRoles })
    expect(await query(url, 'select created_at::text from own.done')).toEqual(['1700000000000'])
  })

  test('the newer layout', async () => {
    const name = '20250203040506_orange_hulk'
    await using project = await makeProject({
      [`drizzle/${name}/migration.sql`]: first,
      [`drizzle/${name}/snapshot.json`]: '{}',
      'drizzle/20250103040506_before/migration.sql': 'select 1;',
      'drizzle/20250103040506_before/snapshot.json': '{}',
    })
    const url = await server.database()
    await (await planMigrations(project.folder, {})).apply({ url, ...noRoles })
    expect(
      await query(url, "select concat_ws(' ', name, created_at) from drizzle.__drizzle_migrations order by id"),
    ).toEqual([`20250103040506_before ${Date.UTC(2025, 0, 3, 4, 5, 6)}`, `${name} ${Date.UTC(2025, 1, 3, 4, 5, 6)}`])
  })

  test('a failing statement keeps its place behind breakpoints', async () => {
    await using project = await makeProject({
      'drizzle/meta/_journal.json': journal('0000_a'),
      'drizzle/0000_a.sql':
        'CREATE TABLE "a" ("id" int)--> statement-breakpoint\nSELECT 1--> statement-breakpoint SELECT nope;',
    })
    const error = await failureOf(
      (await planMigrations(project.folder, {})).apply({ url: await server.database(), ...noRoles }),
    )
    expect(error.message).toMatch(/^drizzle\/0000_a\.sql:2:41: column "nope" does not exist/)
  })

  test.each([
    ['{', {}, 'MIGRATIONS_BROKEN', 'is not JSON'],
    ['{ "dialect": "sqlite", "entries": [] }', {}, 'MIGRATIONS_BROKEN', 'are for sqlite'],
    ['{ "dialect": "postgresql" }', {}, 'MIGRATIONS_BROKEN', 'has no list of entries'],
    ['{ "dialect": "postgresql", "entries": [{}] }', {}, 'MIGRATIONS_BROKEN', 'without tag or when'],
    [journal('0000_gone'), {}, 'MIGRATIONS_BROKEN', 'names 0000_gone, but 0000_gone.sql cannot be read'],
    [journal(), {}, 'MIGRATIONS_EMPTY', 'drizzle holds no migrations'],
  ])('the journal %s is refused', async (content, files, code, message) => {
    await using project = await makeProject({ 'drizzle/meta/_journal.json': content, ...files })
    const error = await failureOf(planMigrations(project.folder, {}))
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
  })

  test('a folder of the newer layout without a time in its name is refused', async () => {
    await using project = await makeProject({ 'drizzle/first/migration.sql': '', 'drizzle/first/snapshot.json': '{}' })
    expect((await failureOf(planMigrations(project.folder, {}))).message).toContain(
      'drizzle/first has a name that does not begin',
    )
  })
})
