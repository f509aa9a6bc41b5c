import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { planMigrations } from '../../src/migrations/plan-migrations.js'
import { failureOf, makeProject, query, useServer } from './project.js'

const server = useServer(18)
const noRoles = { knownRoles: [] }

/** A project with knex and pg installed, as far as Node can tell. */
async function knexProject(files: Record<string, string>) {
  const project = await makeProject({ 'package.json': '{}', ...files })
  await symlink(join(import.meta.dirname, '../../../../node_modules'), join(project.folder, 'node_modules'))
  return project
}

const up = (sql: string) => `exports.up = knex => knex.raw(${JSON.stringify(sql)})\nexports.down = () => {}\n`
const esmUp = (sql: string) =>
  `export const up = knex => knex.raw(${JSON.stringify(sql)})\nexport const down = () => {}\n`
const tsUp = (sql: string) =>
  `import type { Knex } from 'knex'\nexport async function up(knex: Knex): Promise<void> {\n  await knex.raw(${JSON.stringify(sql)})\n}\nexport async function down(): Promise<void> {}\n`

describe('a knexfile', () => {
  test.each([
    ['knexfile.js', "module.exports = { client: 'pg' }", { 'migrations/1_a.js': up('create table a ()') }],
    [
      'knexfile.js',
      "export default { client: 'pg', migrations: { loadExtensions: ['.mjs'] } }",
      { 'package.json': '{"type":"module"}', 'migrations/1_a.mjs': esmUp('create table a ()') },
    ],
    [
      'knexfile.js',
      "export default async () => ({ client: 'pg' })",
      { 'package.json': '{"type":"module"}', 'migrations/1_a.js': esmUp('create table a ()') },
    ],
    [
      'knexfile.cjs',
      "module.exports = () => ({ client: 'postgres' })",
      { 'migrations/1_a.cjs': up('create table a ()') },
    ],
    ['knexfile.mjs', "export default { client: 'postgresql' }", { 'migrations/1_a.js': up('create table a ()') }],
    [
      'knexfile.ts',
      "import type { Knex } from 'knex'\nconst config: Knex.Config = { client: 'pg' }\nexport default config",
      { 'migrations/1_a.ts': tsUp('create table a ()') },
    ],
    [
      'knexfile.ts',
      "import { client } from './settings'\nmodule.exports = { test: { client } }",
      {
        'settings.ts': "export const client: string = 'pg'",
        'migrations/1_a.ts': tsUp('create table a ()'),
        'migrations/types.d.ts': '',
      },
    ],
  ])('%s: %s', async (name, content, files) => {
    await using project = await knexProject({ [name]: content, ...files })
    const plan = await planMigrations(project.folder, {})
    expect(plan.description).toBe(`${name} (1 migration of knex)`)
    expect(plan.fingerprint['knex']).toBe('3.3.0')
    expect(plan.watched).toContain(join(project.folder, name))
    expect(plan.watched).toContain(join(project.folder, 'migrations'))
    const url = await server.database()
    await plan.apply({ url, ...noRoles })
    expect(await query(url, "select to_regclass('a')::text")).toEqual(['a'])
    expect(await query(url, 'select name from knex_migrations')).toEqual([
      Object.keys(files)
        .find(file => file.includes('1_a'))!
        .slice('migrations/'.length),
    ])
  })

  test('its environment, folders, table, schema, pool and search path are respected; its connection is not', async () => {
    await using project = await knexProject({
      'db/knexfile.js': `
        require('fs').writeFileSync(require('path').join(__dirname, 'seen'), process.env.PGDATABASE ?? '')
        process.env.LEFT_BY_KNEXFILE = 'yes'
        module.exports = {
          development: { client: 'pg', migrations: { directory: 'wrong' } },
          test: {
            client: 'pg', connection: 'postgres://nobody:secret@localhost:1/nowhere', searchPath: ['app', 'public'],
            pool: { min: 2, max: 4, afterCreate: (connection, done) => connection.query('create schema if not exists app; create schema if not exists book', error => done(error, connection)) },
            migrations: { directory: ['./one', './two'], tableName: 'done', schemaName: 'book' },
          },
        }`,
      'db/one/2_second.js': up('insert into t values (2)'),
      'db/two/1_first.js': `exports.up = knex => knex.schema.createTable('t', table => table.integer('id'))
        exports.down = () => {}`,
    })
    const plan = await planMigrations(project.folder, { migrations: './db/knexfile.js' })
    expect(process.env['LEFT_BY_KNEXFILE']).toBeUndefined()
    expect(plan.description).toBe('db/knexfile.js (2 migrations of knex)')
    const url = await server.database()
    await plan.apply({ url, ...noRoles })
    expect(await query(url, 'select id from app.t')).toEqual([2])
    expect(await query(url, 'select name from book.done order by id')).toEqual(['1_first.js', '2_second.js'])
  })

  test('the process has the variables and the folder that knex’s command would have', async () => {
    await using project = await knexProject({
      'knexfile.js': "module.exports = { client: 'pg', connection: process.env.DATABASE_URL }",
      'migrations/1.js': `exports.up = async knex => {
          await knex.raw(require('fs').readFileSync('./sql/tables.sql', 'utf8'))
          await knex('t').insert({ database: process.env.PGDATABASE, name: process.env.DB_NAME })
        }
        exports.down = () => {}`,
      'sql/tables.sql': 'create table t (database text, name text); create table u ();',
    })
    const url = await server.database()
    await (
      await planMigrations(project.folder, { variables: ({ database }) => ({ DB_NAME: database }) })
    ).apply({ url, ...noRoles })
    expect(
      await query(
        url,
        "select database = current_database() and name = database and to_regclass('u') is not null from t",
      ),
    ).toEqual([true])
  })

  test('an edited migration is loaded afresh in the same process', async () => {
    await using project = await knexProject({
      'knexfile.js': "module.exports = { client: 'pg' }",
      'migrations/1.js': up('create table before ()'),
    })
    for (const table of ['before', 'after']) {
      await project.write({ 'migrations/1.js': up(`create table ${table} ()`) })
      const url = await server.database()
      await (await planMigrations(project.folder, {})).apply({ url, ...noRoles })
      expect(await query(url, `select to_regclass('${table}')::text`)).toEqual([table])
    }
  })

  test('the fingerprint covers the knexfile, migrations, what they import or name, and files beside them', async () => {
    await using project = await knexProject({
      'knexfile.js': "module.exports = { client: 'pg', ...require('./settings') }",
      'settings.js': "const deep = require('./deep')\nmodule.exports = {}",
      'deep/index.js': '',
      'unrelated.js': '',
      'migrations/1.js': `const { a } = require('../src/helper'); ${up('select 1')}`,
      'migrations/sql/1.sql': 'select 1',
      'src/helper.js': '',
    })
    const { fingerprint } = await planMigrations(project.folder, {})
    expect(Object.keys(fingerprint).toSorted()).toEqual([
      'deep/index.js',
      'knex',
      'knexfile.js',
      'migrations/1.js',
      'migrations/sql/1.sql',
      'settings.js',
      'src/helper.js',
    ])
  })
})

describe('seed files', () => {
  const knexfile = "module.exports = { client: 'pg' }"
  const seed = (sql: string) => `exports.seed = knex => knex.raw(${JSON.stringify(sql)})\n`

  test('run after the migrations, in the order of their names', async () => {
    await using project = await knexProject({
      'knexfile.js': "module.exports = { client: 'pg', seeds: { directory: './db/seeds', recursive: true } }",
      'migrations/1.js': up('create table t (id serial, what text)'),
      'db/seeds/2_b.ts': `export async function seed(knex: { raw(sql: string): Promise<unknown> }): Promise<void> { await knex.raw("insert into t (what) values ('b')") }`,
      'db/seeds/1_a.js': seed("insert into t (what) values ('a')"),
      'db/seeds/more/3_c.js': seed("insert into t (what) values ('c')"),
    })
    const plan = await planMigrations(project.folder, {})
    expect(plan.description).toBe('knexfile.js (1 migration, 3 seeds of knex)')
    expect(Object.keys(plan.fingerprint)).toEqual(
      expect.arrayContaining(['db/seeds/1_a.js', 'db/seeds/2_b.ts', 'db/seeds/more/3_c.js']),
    )
    const url = await server.database()
    await plan.apply({ url, ...noRoles })
    expect(await query(url, 'select what from t order by id')).toEqual(['a', 'b', 'c'])
  })

  test('in seeds/, which Seedbed reads too, only those that export seed are knex’s', async () => {
    await using project = await knexProject({
      'knexfile.js': knexfile,
      'migrations/1.js': up('create table t (id serial, what text)'),
      'seeds/1_knex.js': seed("insert into t (what) values ('knex')"),
      'seeds/2_ours.js': 'exports.default = defineSeed(() => {})',
      'seeds/users.json': '{}',
    })
    const plan = await planMigrations(project.folder, {})
    expect(plan.ownSeeds).toEqual([join(project.folder, 'seeds/1_knex.js')])
    const url = await server.database()
    await plan.apply({ url, ...noRoles })
    expect(await query(url, 'select what from t')).toEqual(['knex'])
  })

  test('one that fails is named with its line', async () => {
    await using project = await knexProject({
      'knexfile.js': knexfile,
      'migrations/1.js': up('create table t (id int primary key)'),
      'seeds/1.js':
        "exports.seed = async knex => {\n  await knex('t').insert({ id: 1 })\n  await knex('t').insert({ id: 1 })\n}",
    })
    const error = await failureOf(
      (await planMigrations(project.folder, {})).apply({ url: await server.database(), ...noRoles }),
    )
    expect(error.code).toBe('SQL_FAILED')
    expect(error.message).toMatch(/^seeds\/1\.js:3:\d+: duplicate key value/)
    expect(error.message).toContain('insert into "t" ("id") values ($1)')
    expect(error.message).toContain('Detail: Key (id)=(1) already exists.')
  })
})

describe('failures', () => {
  const knexfile = "module.exports = { client: 'pg' }"
  const apply = async (files: Record<string, string>, knownRoles: string[] = []) => {
    await using project = await knexProject({ 'knexfile.js': knexfile, ...files })
    const url = await server.database()
    const error = await failureOf((await planMigrations(project.folder, {})).apply({ url, knownRoles }))
    return { error, url }
  }

  test('a statement: file and line of the migration, the statement with a caret; nothing of it stays', async () => {
    const { error, url } = await apply({
      'migrations/1.js': up('create table t (id int)'),
      'migrations/2.js':
        "exports.up = async knex => {\n  await knex.raw('select 1')\n  await knex.raw('select 😀 from t'.replace('😀', \"'😀', nope\"))\n}\nexports.down = () => {}",
    })
    expect(error.code).toBe('SQL_FAILED')
    expect(error.message).toMatch(/^migrations\/2\.js:3:\d+: column "nope" does not exist \(SQLSTATE 42703\)/)
    expect(error.message).toContain("1 | select '😀', nope from t\n    |             ^")
    expect(await query(url, "select to_regclass('t')")).toEqual([null])
  })

  test('in TypeScript the line is that of the file', async () => {
    const { error } = await apply({ 'migrations/1.ts': `// one\n// two\n${tsUp('selec 1')}` })
    expect(error.message).toMatch(/^migrations\/1\.ts:5:\d+: syntax error at or near "selec"/)
  })

  test('an error of the migration’s own', async () => {
    const { error } = await apply({
      'migrations/1.js':
        "exports.up = async () => {\n  console.log('I was here')\n  undefined.x\n}\nexports.down = () => {}",
    })
    expect(error.code).toBe('MIGRATION_MODULE_FAILED')
    expect(error.message).toMatch(/^migrations\/1\.js:3:13: Cannot read properties of undefined/)
    expect(error.message).toContain('I was here')
  })

  test.each([
    ['a module that is missing', "require('./gone')", /Cannot find module '\.\/gone'/],
    ['no down', 'exports.up = () => {}', /1\.js must have both an up and down function/],
    [
      'a process that ends itself',
      'exports.up = () => process.exit(4); exports.down = () => {}',
      /ended with exit code 4/,
    ],
    [
      'a process that ends well but too early',
      'exports.up = () => process.exit(0); exports.down = () => {}',
      /ended before its migrations had/,
    ],
  ])('%s', async (_, content, message) => {
    const { error } = await apply({ 'migrations/1.js': content })
    expect(error.message).toMatch(message)
  })

  test('a statement that must not be in a transaction names knex’s option', async () => {
    const files = {
      'migrations/1.js': up('create table t (id int)'),
      'migrations/2.js': up('create index concurrently i on t (id)'),
    }
    const { error } = await apply(files)
    expect(error.hint).toContain('exports.config = { transaction: false }')
    await using project = await knexProject({
      'knexfile.js': knexfile,
      ...files,
      'migrations/2.js': `${files['migrations/2.js']}exports.config = { transaction: false }`,
    })
    const url = await server.database()
    await (await planMigrations(project.folder, {})).apply({ url, ...noRoles })
    expect(await query(url, "select to_regclass('i')::text")).toEqual(['i'])
  })

  test('a role that is known is altered, in a database of its own each', async () => {
    await query(server.adminUrl(), 'alter role app createrole')
    await using project = await knexProject({
      'knexfile.js': knexfile,
      'migrations/1.js': `exports.up = async knex => {
        await knex.raw("create role knex_reader connection limit 5")
        await knex.schema.createTable('t', table => table.integer('id'))
        await knex.raw('grant select on t to knex_reader')
      }
      exports.down = () => {}`,
    })
    const plan = await planMigrations(project.folder, {})
    expect(plan.mayCreateRoles).toBe(true)
    await plan.apply({ url: await server.database(), knownRoles: [] })
    const url = await server.database()
    await plan.apply({ url, knownRoles: ['knex_reader'] })
    expect(await query(url, "select has_table_privilege('knex_reader', 't', 'select')")).toEqual([true])
    const error = await failureOf(plan.apply({ url: await server.database(), knownRoles: [] }))
    expect(error.hint).toContain('Roles belong to the whole server')
    await query(server.adminUrl(), 'alter role app nocreaterole')
  })

  test('knex is not installed', async () => {
    await using project = await makeProject({ 'package.json': '{}', 'knexfile.js': knexfile })
    const error = await failureOf(planMigrations(project.folder, {}))
    expect(error.code).toBe('MIGRATION_TOOL_MISSING')
    expect(error.message).toContain('knexfile.js needs the package knex')
    expect(error.hint).toBe('npm install --save-dev knex pg')
  })

  test.each([
    ["throw new Error('no settings')", 'knexfile.js cannot be loaded: no settings (line 1)'],
    ['module.exports = 3', 'knexfile.js does not export a configuration'],
    ['module.exports = { staging: {} }', 'it has staging'],
    ["module.exports = { test: { client: 'sqlite3' } }", 'knexfile.js is for sqlite3, not for PostgreSQL'],
    [
      "module.exports = { client: 'pg', migrations: { directory: ['.', 'gone'] } }",
      'has its migrations in gone, which does not exist',
    ],
  ])('the knexfile %s', async (content, message) => {
    await using project = await knexProject({ 'knexfile.js': content })
    const error = await failureOf(planMigrations(project.folder, {}))
    expect(error.code).toBe('MIGRATIONS_BROKEN')
    expect(error.message).toContain(message)
  })

  test('a folder without a migration that knex would load', async () => {
    await using project = await knexProject({
      'knexfile.js': knexfile,
      'migrations/1.mjs': '',
      'migrations/a.d.ts': '',
    })
    const error = await failureOf(planMigrations(project.folder, {}))
    expect(error.code).toBe('MIGRATIONS_EMPTY')
    expect(error.message).toContain('migrations holds no migrations of knex (.js, .cjs, .ts)')
  })

  test('the first of its environments that is for PostgreSQL is taken', async () => {
    await using project = await knexProject({
      'knexfile.js':
        "module.exports = { test: { client: 'sqlite3' }, development: { client: 'pg', migrations: { directory: 'here' } } }",
      'here/1.js': up('select 1'),
    })
    expect((await planMigrations(project.folder, {})).description).toBe('knexfile.js (1 migration of knex)')
  })

  test('a migrationSource of its own is left to knex', async () => {
    await using project = await knexProject({
      'knexfile.js': `module.exports = { client: 'pg', migrations: { migrationSource: {
        getMigrations: async () => ['one'], getMigrationName: name => name,
        getMigration: async () => ({ up: knex => knex.raw('create table own ()'), down() {} }),
      } } }`,
    })
    const url = await server.database()
    await (await planMigrations(project.folder, {})).apply({ url, ...noRoles })
    expect(await query(url, "select to_regclass('own')::text")).toEqual(['own'])
  })
})
