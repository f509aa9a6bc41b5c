import { startPostgres } from '@seedbed/postgres-for-tests'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { makeProject as makeCommandProject } from '../../../packages/cli/test/support/project.js'
import { startProgram } from '../../contract/test/support/program.js'
import { configWith, passing, sandboxClaims, seedClaims, tables, transactionClaims, typedUsers } from './files.js'
import { run, snippet, untaken } from './scenario.js'
import { documents, read, snippetsOf } from './documents.js'

describe('README.md', () => {
  const document = 'README.md'
  test('its first screen, seeds and options make a project that passes', async () => {
    await run({
      document,
      sections: ['Seedbed', 'Seeds', 'Options'],
      files: {
        ...tables,
        'seeds/users.json': snippet(document, 'Seeds', 'json'),
        'more.test.ts': `
          import { test } from '@seedbed/vitest'
          import { expect } from 'vitest'
          test('what the text says of the seed and the options', async ({ db, seeds }) => {
            expect(seeds.users.ada.joined).toEqual(new Date('2024-02-29T12:00:00Z'))
            expect(Object.keys(seeds.users)).toEqual(['ada', 'grace'])
            const { rows } = await db.query("insert into users (name) values ('new') returning id, 'A'::citext = 'a' as same")
            expect(rows).toEqual([{ id: 3, same: true }])
            expect(process.env.POSTGRES_URL).toBe(process.env.DATABASE_URL)
            expect(process.env.DB_HOST).toBe(process.env.PGHOST)
          })`,
      },
      env: { SEEDBED_REPORT: '1' },
      prints: [/Tests {2}2 passed/, /\d ms {2}\w+\.test\.ts > renames/],
    })
  })

  test('the refusal that it shows is the one that comes', async () => {
    const [shown] = /^.*seeds\/users\.json.*$/m.exec(snippet(document, 'Seedbed', '').text)!
    await run({
      document,
      sections: ['Seedbed'],
      files: {
        ...tables,
        'seeds/users.json': '{\n  "users": [\n    { "nmae": "Ada" }\n  ]\n}',
        'users.test.ts': "import { test } from '@seedbed/vitest'\ntest('is not run', () => console.log('a test ran'))",
      },
      exitCode: 1,
      prints: [shown, /^(?![^]*a test ran)/],
    })
  })
})

describe('docs/guide/jest.md', () => {
  const document = 'docs/guide/jest.md'
  const files = {
    ...tables,
    'package.json': '{}',
    'vitest.config.ts': '',
    'migrations/2_unique.sql': 'alter table users add unique (name)',
    'seeds/users.json': '{ "users": { "ada": { "name": "Ada" }, "grace": { "name": "Grace" } } }',
  }
  test('its tests pass, with the preset', async () => {
    const sections = ['Seedbed in Jest', 'Your application, `db` and `seeds`']
    await run({ document, sections, files, runner: 'jest', prints: [/Tests: +2 passed/] })
  })

  test('withSeedbed, a file with an environment of its own, and a global set-up that calls ours', async () => {
    const sections = ['Another preset, another environment', 'What stops the run']
    const config = `
      const withSeedbed = require('@seedbed/jest/with-seedbed')
      module.exports = withSeedbed({ globalSetup: './global-setup.js' })`
    const withPage = { ...files, 'page.test.js': snippet(document, 'An environment for one file', 'js') }
    for (const some of [withPage, { ...withPage, 'jest.config.js': config }]) {
      await run({ document, sections, files: some, runner: 'jest', prints: [/Tests: +1 passed/] })
    }
  })
})

test('packages/cli/README.md: its program prints what is shown, twice', async () => {
  const document = 'packages/cli/README.md'
  const [, ...command] = /^npx (seedbed) (.+)$/m.exec(read(document))!.slice(1).join(' ').split(' ')
  const shown = snippet(document, 'seedbed', 'text').text.split(/(?<=\n)/)
  const isOurs = (line: string) => line.startsWith('seedbed  ')
  const anyDatabase = (text: string) => text.replace(/clone_\w+/, 'clone')
  await using server = await startPostgres()
  await using project = await makeCommandProject(
    { TEST_DATABASE_URL: server.url },
    {
      ...tables,
      'seeds/users.json': '{ "users": [{ "name": "Ada" }] }',
      'sign-up.mjs': snippet(document, 'seedbed', 'js').text,
    },
  )
  await project.seedbed(command)
  const { code, stdout, stderr } = await project.seedbed(command)
  expect(code, stderr).toBe(0)
  expect(stdout).toBe(shown.filter(line => !isOurs(line)).join(''))
  expect(anyDatabase(stderr)).toBe(anyDatabase(shown.filter(isOurs).join('')))
})

test('packages/pg-sandbox/README.md: its example prints what it says, its tests pass, and so does what it says in words', async () => {
  const document = 'packages/pg-sandbox/README.md'
  const example = snippetsOf(document).find(({ file }) => file === 'example.ts')!
  const said = [...example.text.matchAll(/console\.log\(.*\) \/\/ (.+)$/gm)].map(([, value]) => value)
  expect(said).toHaveLength(3)
  await using server = await startPostgres()
  const admin = new pg.Client(server.url)
  await admin.connect()
  await admin.query('create table author (name text)')
  await admin.end()
  await run({
    document,
    sections: ['An example', 'The functions'],
    files: {
      'vitest.config.ts': 'export default { test: { fileParallelism: false } }',
      'when-needed.test.ts': `
        import pg from 'pg'
        import { expect, test } from 'vitest'
        import * as program from './when-needed.js'
        test('opens the sandbox for its first client', async () => {
          expect(program.sandbox).toBeUndefined()
          const client = new pg.Client(process.env.DATABASE_URL)
          await client.connect()
          await client.query("insert into author values ('Ada')")
          await client.end()
          const sandbox = await program.sandbox
          expect(await sandbox!.leave()).toMatchObject({ scope: 'tests', statements: { INSERT: 1 } })
          await sandbox!.close()
        })`,
      'example.test.ts': `
        import { inspect } from 'node:util'
        import { expect, test, vi } from 'vitest'
        test('prints what it says', async () => {
          const log = vi.spyOn(console, 'log')
          await import('./example.js')
          expect(log.mock.calls.map(([value]) => inspect(value))).toEqual(${JSON.stringify(said)})
        })`,
      'claims.test.ts': sandboxClaims,
    },
    env: { TEST_DATABASE_URL: server.url },
    prints: [/Test Files {2}4 passed/],
  })
})

test.each(['vitest', 'jest'] as const)('docs/guide/isolation.md: its tests pass (%s)', async runner => {
  const document = 'docs/guide/isolation.md'
  const language = runner === 'vitest' ? 'ts' : 'js'
  const own = { ...tables, 'seeds/users.json': '{ "users": [{ "name": "Ada" }, { "name": "Grace" }] }' }
  const asJest = {
    ...own,
    'package.json': '{}',
    'vitest.config.ts': '',
    'jest.config.js': "module.exports = { preset: '@seedbed/jest' }",
  }
  const text = snippet(document, 'Choosing one', language).text
  await run({
    document,
    sections: [],
    files: { ...(runner === 'vitest' ? own : asJest), [`orders.test.${language}`]: text },
    runner,
    prints: [runner === 'vitest' ? /Tests {2}5 passed/ : /Tests: +2 passed/],
  })
})

describe('docs/guide/vitest.md', () => {
  const document = 'docs/guide/vitest.md'
  test('the application, fixtures, scopes and concurrent tests', async () => {
    await run({
      document,
      sections: [
        'Seedbed in Vitest',
        'Your application, `db` and `seeds`',
        'What is undone, and when',
        'Concurrent tests',
      ],
      files: { ...typedUsers, ...transactionClaims },
      prints: [/Test Files {2}6 passed/],
    })
  })

  test('the lines that it shows are those that come', async () => {
    const { output } = (await run({
      document,
      sections: ['Seedbed in Vitest'],
      files: {
        ...tables,
        'open.test.ts': `
          import { test } from 'vitest'
          import pg from 'pg'
          const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
          const count = async () => (await pool.query('select from users')).rowCount
          test('adds users', async () => {
            await count()
            const client = await pool.connect()
            await client.query('begin')
            await client.query('insert into users (name) values ($1)', ['Barbara'])
          })
          test('renames', async () => {
            await pool.query("update users set name = 'Countess' where name = 'nobody'")
            await pool.query('select name from users where id = 1')
            await pool.query('select nonsense').catch(() => {})
            if ((await count()) === 2) throw new Error('on purpose')
          })`,
      },
      exitCode: 1,
    }))!
    const withoutNumbers = (text: string) => text.trim().replaceAll(/client \d+ \(opened at [^)]*:\d+:\d+\)/g, 'client')
    const shown = snippet(document, 'Your application, `db` and `seeds`', 'text').text
    expect(withoutNumbers(output.match(/^seedbed {2}test ".*$/gm)!.join('\n'))).toBe(withoutNumbers(shown))
  })

  test('what it shows of a test that is kept is what comes', async () => {
    const { output } = (await run({
      document,
      sections: ['Seedbed in Vitest'],
      files: {
        ...tables,
        'users.test.ts': `
          import { test } from 'vitest'
          import pg from 'pg'
          const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
          test('renames', async () => {
            await pool.query("update users set name = 'Countess' where id = 1")
            await pool.query('select name from users where id = 1')
            throw new Error('on purpose')
          })`,
      },
      env: { SEEDBED_KEEP: 'failed' },
      exitCode: 1,
    }))!
    const lines = /^(seedbed {2}what test "renames" saw.*)\n(.*)$/m
    const ofUrl = (text: string) => text.trim().replace(/postgresql:.*\/kept_users_renames_[0-9a-f]{8}/, 'URL')
    const [first, second, third] = snippet(document, 'To look at what a failed test saw', 'text')
      .text.trim()
      .split('\n')
    const [, kept, command] = lines.exec(output)!
    expect(output).toContain(first)
    expect([kept, ofUrl(command!)]).toEqual([second, ofUrl(third!)])
  })

  test('projects', async () => {
    const { output } = (await run({
      document,
      sections: ['Projects'],
      files: { 'unit/a.test.ts': passing, 'api/a.test.ts': passing },
      prints: [/Tests {2}2 passed/],
    }))!
    expect(output.match(/databases? (cloned|recycled)/g)!.length).toBe(2)
    expect(output.match(/template built/g)).toHaveLength(1)
  })

  const setup = {
    '.env': 'DATABASE_URL=postgresql://me@db.example.com/production\nOTHER=from the file',
    'a.test.ts': `${passing}
      test('other', () => expect(process.env.OTHER).toBe('from the file'))`,
  }
  test('a setup file with dotenv', async () => {
    const config = configWith("setupFiles: './setup.ts'")
    await run({
      document,
      sections: ['Setup files, dotenv, global setup'],
      files: { ...setup, 'vitest.config.ts': config },
      prints: [/Tests {2}2 passed/],
    })
    await run({
      document,
      sections: ['Setup files, dotenv, global setup'],
      files: {
        ...setup,
        'vitest.config.ts': config,
        'setup.ts': "import { config } from 'dotenv'\nconfig({ override: true })",
      },
      exitCode: 1,
      prints: [/CONNECTION_CHANGED/, /it is now postgresql:\/\/me@db\.example\.com\/production/],
    })
  })

  test('a global setup that connects fails, and says why', async () => {
    const [, said] = /\/\/ (connect ENOENT.*)$/m.exec(
      snippetsOf(document).find(({ file }) => file === 'global-setup.ts')!.text,
    )!
    await run({
      document,
      sections: ['Setup files, dotenv, global setup'],
      files: { ...setup, 'vitest.config.ts': configWith("globalSetup: './global-setup.ts'") },
      exitCode: 1,
      prints: [said!],
    })
  })
})

describe('docs/guide/seeds.md', () => {
  const document = 'docs/guide/seeds.md'
  test('JSON, labels, SQL, TypeScript, and one more seed inside a test', async () => {
    await run({
      document,
      sections: ['Labels', 'SQL', 'TypeScript', 'One more seed inside a test'],
      files: {
        ...tables,
        'seeds/1-users.json': snippet(document, 'JSON', 'json'),
        'seeds/users.json': '{}',
        'busy-author.json': '{ "users": { "barbara": { "name": "Barbara" } }, "posts": [{ "user_id": 4 }] }',
        'claims.test.ts': seedClaims,
      },
      prints: [/Test Files {2}3 passed/],
    })
  })

  test('the refusal that it shows is the one that comes', async () => {
    await run({
      document,
      sections: ['Labels'],
      files: {
        ...tables,
        'seeds/1-users.json':
          '{ "users": { "ada": { "name": "Ada" },\n            "grace": { "id": 2,         "nmae": "Grace" } } }',
        'seeds/users.json': '{}',
        'labels.test.ts': passing,
      },
      exitCode: 1,
      prints: [snippet(document, 'What is refused', 'text').text.trim()],
    })
  })
})

describe('docs/guide/servers.md', () => {
  const document = 'docs/guide/servers.md'
  test('PostgreSQL from npm', async () => {
    await run({ document, sections: ['PostgreSQL from npm'], prints: [/Tests {2}1 passed/, /embedded PostgreSQL 18/] })
  })

  test('a server of yours, with a role as the SQL makes it', async () => {
    await using server = await startPostgres({ version: 15 })
    const administrator = new pg.Client(server.url)
    await administrator.connect()
    await administrator.query(snippet(document, 'A server of yours', 'sql').text)
    await administrator.end()
    const url = server.urlFor({ user: 'tester', password: 'secret', database: 'postgres' })
    const files = { 'a.test.ts': passing }
    const sections = ['A server of yours']
    await run({ document, sections, files, env: { CI_POSTGRES_URL: url }, prints: [/PostgreSQL 15\.\d+ at/] })
    const trusted =
      "import { defineConfig } from '@seedbed/core'\nexport default defineConfig({ extensions: ['citext', 'pgcrypto', 'hstore'] })"
    const withExtensions = { ...files, 'seedbed.config.ts': trusted }
    await run({
      document,
      sections,
      files: withExtensions,
      env: { TEST_DATABASE_URL: url },
      prints: [/PostgreSQL 15\.\d+ at/],
    })
  })
})

test('docs/guide/container.md: each of its configs is one', async () => {
  const sections = ['A server in a container', 'Another image, kept between runs']
  const files = Object.fromEntries(
    sections.map((section, index) => [`config-${index}.ts`, snippet('docs/guide/container.md', section, 'ts').text]),
  )
  await run({ document: 'docs/guide/container.md', sections: [], files, onlyTypes: true })
})

test('docs/guide/environments.md: the config chooses as it says, the application and an unchanged script get their URL', async () => {
  const document = 'docs/guide/environments.md'
  const at = (section: string) => snippet(document, section, 'ts').text
  const urls = {
    STAGING_DATABASE_URL: 'postgresql://stg:x@stage/shop',
    PRODUCTION_DATABASE_URL: 'postgresql://live:secret@live/shop',
  }
  await using project = await makeCommandProject(urls, {
    'package.json': '{ "type": "module" }',
    'seedbed.config.ts': at('A config'),
    'db.ts': at('In an application'),
    'app.mjs': `
        import { createJiti } from 'jiti'
        const { pool, forPython } = await createJiti(import.meta.url).import('./db.ts')
        console.log(pool.options.connectionString, forPython)`,
    '.env': 'DATABASE_URL=postgresql://live:secret@live/shop',
    'script.mjs': "process.loadEnvFile('.env'); console.log(process.env.DATABASE_URL)",
  })
  const app = async (more: Record<string, string> = {}) =>
    (await startProgram([process.execPath, 'app.mjs'], project.folder, { ...urls, ...more }).ended).output
  expect(await app()).toContain(
    'postgresql://shop@localhost:5432/shop_dev postgresql+asyncpg://shop@localhost:5432/shop_dev\n',
  )
  expect(await app({ USE_STG_DATABASE: 'true' })).toContain('postgresql://stg:x@stage:5432/shop')
  expect(await app({ ENVIRONMENT: 'production' })).toContain('PRODUCTION_WITHOUT_CONSENT')
  expect(await app({ ENVIRONMENT: 'production', RENDER: 'true' })).toContain('postgresql://live:secret@live:5432/shop')

  const command = /^npx (seedbed run --env staging --) /m.exec(
    snippet(document, 'Scripts that know nothing of this', 'sh').text,
  )![1]!
  const staged = await project.seedbed([...command.split(' ').slice(1), 'node', 'script.mjs'])
  expect(staged).toMatchObject({ code: 0, stdout: 'postgresql://stg:x@stage:5432/shop\n' })
})

test('docs/guide/doctor.md: its program prints the problems that there are', async () => {
  await using project = await makeCommandProject(
    {},
    {
      'package.json': '{ "type": "module" }',
      'seedbed.config.json': '{ "extensions": ["nonesuch"] }',
      'problems.mjs': snippet('docs/guide/doctor.md', 'From a program', 'ts').text,
    },
  )
  const { output } = await startProgram([process.execPath, 'problems.mjs'], project.folder, {}).ended
  expect(output).toMatch(/^installation the extension nonesuch does not come with .* \[\n[^]*\]\n$/)
})

test('docs/guide/doctor.md: preflight says in a program, too, whether it may go ahead', async () => {
  await using project = await makeCommandProject(
    {},
    {
      'package.json': '{ "name": "shop", "type": "module" }',
      'seedbed.config.json': '{ "environments": { "production": { "variable": "PRODUCTION_URL" } } }',
      'may-go.mjs': snippet('docs/guide/doctor.md', 'Before a deployment', 'ts').text,
    },
  )
  const { output } = await startProgram([process.execPath, 'may-go.mjs'], project.folder, {}).ended
  expect(output).toBe('false\n')
})

test('no snippet is left out', () => {
  // Those of migrations.md run in packages/core/test/migrations/guide.test.ts, those of report.md and ci.md beside this file.
  const elsewhere = ['migrations', 'report', 'ci'].map(name => `docs/guide/${name}.md`)
  expect(documents.filter(name => !elsewhere.includes(name)).flatMap(untaken)).toEqual([])
})
