import { describe, expect, test } from 'vitest'
import { detectMigrations, recogniseMigrations } from '../../src/migrations/find-migrations.js'
import { naturalOrder } from '../../src/migrations/natural-order.js'
import { planMigrations } from '../../src/migrations/plan-migrations.js'
import { failureOf, makeProject } from './project.js'

const sql = 'select 1;'
const journal = '{ "dialect": "postgresql", "entries": [] }'
type Files = Record<string, string>

describe('detection', () => {
  test.each<[string, Files, string]>([
    ['a folder of .sql', { 'migrations/1.sql': sql }, 'sql-folder migrations'],
    [
      'prisma',
      {
        'prisma/schema.prisma': '',
        'prisma/migrations/migration_lock.toml': '',
        'prisma/migrations/1_a/migration.sql': sql,
      },
      'prisma prisma/migrations',
    ],
    [
      'prisma without its lock',
      { 'prisma/schema.prisma': '', 'prisma/migrations/1_a/migration.sql': sql },
      'prisma prisma/migrations',
    ],
    ['drizzle', { 'drizzle/meta/_journal.json': journal, 'drizzle/0000_a.sql': sql }, 'drizzle drizzle'],
    [
      'drizzle’s newer layout',
      { 'drizzle/20250101000000_a/migration.sql': sql, 'drizzle/20250101000000_a/snapshot.json': '{}' },
      'drizzle drizzle',
    ],
    [
      'drizzle in migrations/',
      { 'migrations/meta/_journal.json': journal, 'migrations/0000_a.sql': sql },
      'drizzle migrations',
    ],
    [
      'drizzle’s config, which names another folder',
      {
        'drizzle.config.ts': "export default { // out: 'x'\n  out: './src/db/out' }",
        'src/db/out/meta/_journal.json': journal,
      },
      'drizzle src/db/out',
    ],
    [
      'drizzle’s config and its folder',
      { 'drizzle.config.ts': 'export default { schema: "./x" }', 'drizzle/meta/_journal.json': journal },
      'drizzle drizzle',
    ],
    [
      'drizzle’s config, its folder and its schemas beside',
      {
        'drizzle.config.js': 'export default { out: "./drizzle/migrations" }',
        'drizzle/schema.ts': '',
        'drizzle/migrations/meta/_journal.json': journal,
      },
      'drizzle drizzle/migrations',
    ],
    [
      'prisma in migrations/',
      { 'migrations/migration_lock.toml': '', 'migrations/1_a/migration.sql': sql },
      'prisma migrations',
    ],
    ['a knexfile', { 'knexfile.js': '' }, 'knex knexfile.js'],
    ['a knexfile and its migrations', { 'knexfile.ts': '', 'migrations/1_a.ts': '' }, 'knex knexfile.ts'],
    [
      'a knexfile and its migrations that read .sql',
      { 'knexfile.cjs': '', 'migrations/1_a.js': '', 'migrations/1_a.sql': sql },
      'knex knexfile.cjs',
    ],
    ['schema.sql', { 'schema.sql': sql }, 'schema schema.sql'],
    ['schema.sql beside an empty migrations/', { 'schema.sql': sql, 'migrations/.gitkeep': '' }, 'schema schema.sql'],
    ['schema.sql beside drizzle’s schemas', { 'schema.sql': sql, 'drizzle/users.ts': '' }, 'schema schema.sql'],
  ])('%s', async (_, files, expected) => {
    await using project = await makeProject({ 'package.json': '{}', ...files })
    const found = await detectMigrations(project.folder)
    expect(`${found?.kind} ${found?.path.slice(project.folder.length + 1)}`).toBe(expected)
  })

  test.each<[Files, string[]]>([
    [{ 'migrations/1.sql': sql, 'schema.sql': sql }, ['migrations', 'schema.sql']],
    [{ 'migrations/1.sql': sql, 'knexfile.js': '' }, ['knexfile.js', 'migrations']],
    [{ 'knexfile.js': '', 'knexfile.ts': '' }, ['knexfile.js', 'knexfile.ts']],
    [{ 'prisma/schema.prisma': '', 'schema.sql': sql }, ['prisma', 'schema.sql']],
    [
      { 'prisma/migrations/1_a/migration.sql': sql, 'drizzle/meta/_journal.json': journal },
      ['prisma/migrations', 'drizzle'],
    ],
    [{ 'migrations/1.ts': '', 'schema.sql': sql }, ['migrations', 'schema.sql']],
    [{ 'migrations/1.sql': sql, 'drizzle.config.ts': 'export default {}' }, ['migrations', 'drizzle.config.ts']],
  ])('two candidates: %j', async (files, names) => {
    await using project = await makeProject(files)
    const error = await failureOf(detectMigrations(project.folder))
    expect(error.code).toBe('MIGRATIONS_AMBIGUOUS')
    expect(error.message).toContain(names.join(' and '))
    for (const name of names) expect(error.hint).toContain(`migrations: './${name}'`)
  })

  test.each<[Files, string, string]>([
    [{ 'migrations/1_a.ts': '' }, 'migrations holds modules', 'command:'],
    [{ 'migrations/1_a/up.sql': sql }, 'migrations holds .sql files only in folders of its own (1_a)', 'command:'],
    [{ 'prisma/schema.prisma': '' }, 'prisma holds a Prisma schema, but no migrations', 'prisma db push'],
    [
      { 'drizzle.config.ts': "export default { out: './out' }" },
      'drizzle.config.ts names ./out, where there are no migrations',
      'drizzle-kit push',
    ],
    [
      { 'drizzle.config.ts': 'export default { out: join(a, b) }', 'drizzle/x.ts': '' },
      'drizzle.config.ts has an `out` that is not a plain text',
      'Name the folder',
    ],
  ])('something that cannot be run: %j', async (files, message, hint) => {
    await using project = await makeProject(files)
    const error = await failureOf(detectMigrations(project.folder))
    expect(error.code).toBe('MIGRATIONS_UNKNOWN')
    expect(error.message).toContain(message)
    expect(error.hint).toContain(hint)
  })

  test('nothing is an empty plan that says so', async () => {
    await using project = await makeProject({ 'package.json': '{}', 'migrations/README.md': '', 'src/a.sql': sql })
    const plan = await planMigrations(project.folder, {})
    expect(plan).toMatchObject({ fingerprint: {}, mayCreateRoles: false, ownSeeds: [] })
    expect(plan.description).toContain('no migrations found')
    expect(plan.watched.length).toBeGreaterThan(0)
    await plan.apply({ url: 'postgresql://nobody@nowhere/none', knownRoles: [] })
  })
})

describe('recognition of the option', () => {
  const files: Files = {
    'db/1.sql': sql,
    'db/schema.sql': sql,
    'prisma/schema.prisma': '',
    'prisma/migrations/migration_lock.toml': '',
    'drizzle/meta/_journal.json': journal,
    'drizzle.config.mjs': 'export default {}',
    'server/knexfile.js': '',
    'config/database.cjs': '',
    'empty/.gitkeep': '',
    'notes/a.txt': '',
    'nested/migrations/1.sql': sql,
  }
  test.each([
    ['./db', 'sql-folder db'],
    ['db/', 'sql-folder db'],
    ['db/schema.sql', 'schema db/schema.sql'],
    ['prisma', 'prisma prisma/migrations'],
    ['prisma/migrations', 'prisma prisma/migrations'],
    ['prisma/schema.prisma', 'prisma prisma/migrations'],
    ['drizzle', 'drizzle drizzle'],
    ['drizzle.config.mjs', 'drizzle drizzle'],
    ['server', 'knex server/knexfile.js'],
    ['server/knexfile.js', 'knex server/knexfile.js'],
    ['config/database.cjs', 'knex config/database.cjs'],
    ['nested', 'sql-folder nested/migrations'],
  ])('%s', async (option, expected) => {
    await using project = await makeProject(files)
    const found = await recogniseMigrations(project.folder, option)
    expect(`${found.kind} ${found.path.slice(project.folder.length + 1)}`).toBe(expected)
  })

  test.each([
    ['drizle', 'MIGRATIONS_NOT_FOUND', 'Did you mean drizzle?'],
    ['somewhere/else', 'MIGRATIONS_NOT_FOUND', 'config'],
    ['empty', 'MIGRATIONS_UNKNOWN', 'command:'],
    ['notes', 'MIGRATIONS_UNKNOWN', 'command:'],
    ['notes/a.txt', 'MIGRATIONS_UNKNOWN', 'command:'],
  ])('%s is refused', async (option, code, hint) => {
    await using project = await makeProject(files)
    const error = await failureOf(planMigrations(project.folder, { migrations: option }))
    expect(error.code).toBe(code)
    expect(error.message).toContain(option)
    expect(error.hint).toContain(hint)
  })
})

test('natural order', () => {
  const sorted = [
    '1_a',
    '2_b',
    '002_c',
    '10_a',
    '10_b',
    '10_b_2',
    '10_b_10',
    '20240101000000_x',
    '99999999999999999999_y',
    'a',
    'b',
  ]
  expect(sorted.toReversed().toSorted(naturalOrder)).toEqual([
    '1_a',
    '2_b',
    '002_c',
    '10_a',
    '10_b',
    '10_b_2',
    '10_b_10',
    '20240101000000_x',
    '99999999999999999999_y',
    'a',
    'b',
  ])
  expect(['a.sql', 'B.sql', 'a_1.sql'].toSorted(naturalOrder)).toEqual(['B.sql', 'a.sql', 'a_1.sql'])
})
