import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.js'
import { makeProject } from '../migrations/project.js'
import { manifest, planOf } from './support.js'

const vitest = { 'package.json': manifest(['vitest']) }
const sql = { 'migrations/1_users.sql': 'create table users ()' }

test('where Seedbed finds everything by itself, no config is written', async () => {
  const { plan, after } = await planOf({
    ...vitest,
    ...sql,
    'src/db.js': 'process.env.DATABASE_URL + process.env.PGHOST',
  })
  expect(plan.found).toMatchObject({ migrations: { what: 'migrations (.sql files)' }, variables: [], config: null })
  expect(Object.keys(after).filter(path => path.startsWith('seedbed'))).toEqual([])
})

test('a config that is there stays as it is', async () => {
  const { plan, after } = await planOf({ ...vitest, 'seedbed.config.json': '{}', '.env': 'DB_HOST=localhost' })
  expect(plan.found.config).toBe('seedbed.config.json')
  expect(Object.keys(after).filter(path => path.startsWith('seedbed'))).toEqual([])
})

test.each([
  ['CommonJS', manifest(['vitest']), 'seedbed.config.js', /^\/\*\* @type .*\nmodule\.exports = \{/],
  ['ES modules', manifest(['vitest'], { type: 'module' }), 'seedbed.config.js', /^import \{ defineConfig \}/],
  ['TypeScript', manifest(['vitest', 'typescript']), 'seedbed.config.ts', /^import \{ defineConfig \}/],
])('what is written can be loaded, and says what was found: %s', async (_, text, path, start) => {
  const { after } = await planOf({
    'package.json': text,
    ...sql,
    'schema.sql': 'create table users ()',
    'src/db.js': 'const { DB_HOST, DB_PORT: port } = process.env; connect(process.env.POSTGRES_URL)',
    '.env': 'LIVE_DATABASE_URL=postgresql://ada:s3cret@db.example.com/shop',
  })
  expect(after[path]).toMatch(start)
  expect(after[path]).not.toContain('s3cret')
  // The import is the package's own; here it stands for nothing but the types.
  const plain = after[path]!.replace(/^import .*$/m, 'const defineConfig = config => config')
  await using project = await makeProject({ 'package.json': text, [path]: plain })
  const { config } = await loadConfig(project.folder)
  const parts = { url: 'postgresql://x', host: 'h', port: 5, user: 'u', password: 'p', database: 'd', urlOf: () => '' }
  expect(config.variables!(parts)).toEqual({ DB_HOST: 'h', DB_PORT: '5', POSTGRES_URL: 'postgresql://x' })
  expect(config).toMatchObject({
    migrations: './migrations',
    environments: { production: { variable: 'LIVE_DATABASE_URL' } },
  })
})

describe('migrations', () => {
  const migrations = async (packages: string[], files: Record<string, string>, more: object = {}) => {
    const { plan, after, byHand } = await planOf({ 'package.json': manifest(['vitest', ...packages], more), ...files })
    const option = /migrations: (.*|\{[^]*?\n {2}\}),\n/.exec(after['seedbed.config.js'] ?? '')?.[1]
    const oneLine = option?.replace(/\/\/.*\n/, '').replace(/\s+/g, ' ')
    return { ...plan.found.migrations, option: oneLine, byHand: byHand['seedbed.config.js'] }
  }
  const source = "export default new DataSource({ type: 'postgres', url: process.env.DATABASE_URL })"
  const typeorm = { 'src/migrations/1.ts': '', 'src/data-source.ts': source }

  test.each([
    ['none', [], {}, {}, undefined],
    ['Prisma', ['prisma'], { 'prisma/migrations/1/migration.sql': '' }, {}, undefined],
    [
      'Prisma beside a schema.sql',
      ['prisma'],
      { 'prisma/migrations/1/migration.sql': '', 'schema.sql': '' },
      {},
      "'./prisma/migrations'",
    ],
    ['SQL files beside a schema.sql', [], { ...sql, 'schema.sql': '' }, {}, "'./migrations'"],
    [
      'a Prisma schema alone',
      ['prisma'],
      { 'prisma/schema.prisma': 'datasource db { url = env("DATABASE_URL") }' },
      {},
      "{ command: 'npx prisma db push', dependsOn: ['prisma/schema.prisma'], }",
    ],
    [
      'TypeORM',
      ['typeorm'],
      typeorm,
      {},
      "{ command: 'npx typeorm-ts-node-commonjs migration:run -d src/data-source.ts', dependsOn: ['src/migrations', 'src/data-source.ts'], }",
    ],
    [
      "the project's own script, and a file that it names",
      ['typeorm'],
      { ...typeorm, 'src/run.ts': '' },
      { scripts: { 'migration:run': 'tsx ./src/run.ts' } },
      "{ command: 'npm run migration:run', dependsOn: ['src/migrations', 'src/data-source.ts', 'src/run.ts'], }",
    ],
    [
      'node-pg-migrate with modules',
      ['node-pg-migrate'],
      { 'migrations/1_users.js': '' },
      {},
      "{ command: 'npx node-pg-migrate up', dependsOn: ['migrations'], }",
    ],
    [
      'Sequelize by a variable',
      ['sequelize', 'sequelize-cli'],
      { 'migrations/1_users.js': '', 'config/config.json': '{ "test": { "use_env_variable": "DATABASE_URL" } }' },
      {},
      "{ command: 'npx sequelize-cli db:migrate', dependsOn: ['migrations', 'config/config.json'], }",
    ],
    [
      'Kysely by a script',
      ['kysely'],
      { 'src/migrations/1.ts': '' },
      { scripts: { migrate: 'tsx src/migrate.ts' } },
      "{ command: 'npm run migrate', dependsOn: ['src/migrations'], }",
    ],
  ])('%s', async (_, packages, files, more, option) => {
    const { byHand, ...found } = await migrations(packages, files as Record<string, string>, more)
    expect(found.option).toBe(option)
    expect(byHand).toBeUndefined()
  })

  // A migration that goes elsewhere would change another database.
  test.each([
    ['two that know nothing of each other', [], { ...sql, 'drizzle/meta/_journal.json': '{}' }, {}],
    [
      'an address of its own',
      ['sequelize-cli'],
      {
        'migrations/1.js': '',
        'config/config.json': '{ "test": { "host": "db.example.com", "use_env_variable": "" } }',
      },
      {},
    ],
    [
      'a data source with a host',
      ['typeorm'],
      { ...typeorm, 'src/data-source.ts': `${source} // host: 'a.example.com'` },
      {},
    ],
    [
      'a script over a data source with a host',
      ['typeorm'],
      { ...typeorm, 'src/data-source.ts': "new DataSource({ host: 'db.example.com' })" },
      { scripts: { migrate: 'typeorm migration:run' } },
    ],
    [
      'a script over a file with a URL',
      ['kysely'],
      { 'migrations/1.js': '', 'migrate.js': "connect({ url: 'postgres://db.example.com/shop' })" },
      { scripts: { migrate: 'node migrate.js' } },
    ],
    [
      'a dotenv that overrides what is set',
      ['kysely'],
      { 'migrations/1.js': '', 'src/env.js': "require('dotenv').config({ override: true })" },
      { scripts: { migrate: 'node migrate.js' } },
    ],
    ['no script, and modules of nobody', [], { 'migrations/1.js': '' }, {}],
    [
      'a script that names production',
      ['kysely'],
      { 'migrations/1.js': '' },
      { scripts: { migrate: 'x --env production' } },
    ],
    [
      'a script that sets a variable',
      ['kysely'],
      { 'migrations/1.js': '' },
      { scripts: { migrate: 'DATABASE_URL=$P x' } },
    ],
  ])('%s: that is left to whoever knows', async (_, packages, files, more) => {
    const { option, byHand, what } = await migrations(packages, files as Record<string, string>, more)
    expect({ option, what }).toEqual({ option: undefined, what: null })
    expect(byHand).toBeTruthy()
  })
})

test('what is to be decided is shown with all else that the config needs, and asked for until there is a config', async () => {
  const files = {
    ...vitest,
    ...sql,
    'drizzle/meta/_journal.json': '{}',
    '.env': 'PROD_DATABASE_URL=postgres://x.example.com/shop',
  }
  const { plan, after } = await planOf(files)
  expect(plan.byHand).toMatchObject([
    { path: 'seedbed.config.js', why: 'migrations and drizzle could each make the schema' },
  ])
  expect(plan.byHand[0]!.lines).toContain("  migrations: './migrations',")
  expect(plan.byHand[0]!.lines).toContain("  // or migrations: './drizzle',")
  expect(plan.byHand[0]!.lines).toContain("    production: { variable: 'PROD_DATABASE_URL' },")
  expect(after['test/database.test.js']).toContain('not.toEqual([])')
  expect((await planOf({ ...files, 'seedbed.config.js': '' })).plan.byHand).toEqual([])
})

test('variables that are read in any way, and none that is not the database’s', async () => {
  const { plan } = await planOf({
    ...vitest,
    'src/a.ts': "process.env['DB_USER']; import.meta.env.POSTGRES_PRISMA_URL; config.getOrThrow<string>('DB_PASSWORD')",
    'src/b.prisma': 'url = env("POSTGRES_URL_NON_POOLING")',
    'src/c.js': 'process.env.DATABASE_URL; process.env.PORT; process.env.MYSQL_HOST; process.env.PROD_DATABASE_URL',
    '.env': 'DB_NAME=only-set',
  })
  expect(plan.found.variables).toEqual([
    { name: 'DB_USER', part: 'user', from: 'src/a.ts' },
    { name: 'POSTGRES_PRISMA_URL', part: 'url', from: 'src/a.ts' },
    { name: 'DB_PASSWORD', part: 'password', from: 'src/a.ts' },
    { name: 'POSTGRES_URL_NON_POOLING', part: 'url', from: 'src/b.prisma' },
  ])
})

test.each([
  ['.env', 'PROD_DATABASE_URL=postgres://a:s3cret@localhost/shop', 'production'],
  ['.env', 'DATABASE_URL=postgres://a:s3cret@ep-1.eu.neon.tech/shop', 'production'],
  ['.env', 'DATABASE_URL=postgres://a:s3cret@localhost/shop_production', 'production'],
  ['.env', 'DATABASE_URL=postgres://a:s3cret@dpg-abc123-a/shop', 'production'],
  ['.env.example', 'LIVE_DB_URL=postgres://a:s3cret@x.example.com/shop', 'production'],
  ['.env.local', 'DATABASE_URL=postgres://a:s3cret@x.example.com/shop', 'production'],
  ['.env', 'STAGING_DATABASE_URL=postgres://a:s3cret@x.example.com/shop', 'staging'],
  ['.env', 'DATABASE_URL=postgres://a:s3cret@staging.example.com/shop', 'staging'],
  ['.env', 'TEST_DATABASE_URL=postgres://a:s3cret@x.example.com/shop', 'test'],
  ['.env', 'DATABASE_URL=postgres://a:s3cret@localhost/shop', null],
  ['.env', 'DATABASE_URL=postgres://a:s3cret@postgres:5432/shop', null],
  ['.env', 'DATABASE_URL=postgres://a:s3cret@[::1]:5432/shop', null],
  ['.env.production', 'DATABASE_URL=postgres://a:s3cret@x.example.com/shop', null],
])('what a URL is taken for: %s %s', async (file, line, tier) => {
  const { plan, after } = await planOf({ ...vitest, [file]: line })
  expect(plan.found.urls).toMatchObject([{ tier, file }])
  expect(JSON.stringify(plan.found)).not.toContain('s3cret')
  const config = after['seedbed.config.js']
  if (tier === 'production') expect(config).toContain(`production: { variable: '${line.split('=')[0]!}' },`)
  else expect(config).toBeUndefined()
})

test('two variables that lead to one database are one environment; two databases are two', async () => {
  const lines = [
    'PROD_DATABASE_URL=postgres://a:s3cret@x.example.com/shop',
    'PROD_DIRECT_URL=postgres://b:s3cret@x.example.com/shop',
    'PROD_BILLING_URL=postgres://a:s3cret@x.example.com/billing',
  ]
  const { after } = await planOf({ ...vitest, '.env': lines.join('\n') })
  expect(after['seedbed.config.js']).toContain(
    "    production: { variable: 'PROD_DATABASE_URL' },\n    prod_billing_url: { tier: 'production', variable: 'PROD_BILLING_URL' },\n  },",
  )
})
