import { readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeProject, type Outcome, type Project } from '../../../packages/cli/test/support/project.js'
import { root } from '../../../scripts/workspaces.mjs'
import { startProgram } from '../../contract/test/support/program.js'
import { password, startProduction, type Production } from './production.js'

/**
 * Ways in which production has been wiped, or nearly. Each is tried for real: a program takes all that its environment offers, and
 * does the worst with it. Afterwards production's table has all its rows, and its log says who has been there.
 */
let production: Production
let tests: PostgresForTests
let project: Project
const url = () => production.url
/** The same place by another name. */
const at = (host: string) => url().replace('localhost', host)
const socket = () => encodeURIComponent(decodeURIComponent(new URL(production.server.url).hostname))

beforeAll(async () => {
  project = await makeProject({}, files)
  production = await startProduction(project.folder)
  tests = await startPostgres()
})
afterAll(async () => {
  await production?.[Symbol.asyncDispose]()
  await tests?.stop()
  await project?.[Symbol.asyncDispose]()
})

const config = {
  project: 'shop',
  environments: { production: { variable: 'PRODUCTION_URL', aliases: ['prod'] } },
  select: { flags: { production: 'USE_PROD_DATABASE' } },
}

/** Tries whatever the environment names: URLs in every form, PG*, parts; and says what it has reached. */
const wipe = `
  import pg from 'pg'
  import { config as dotenv } from 'dotenv'
  const how = process.argv[2]
  if (how === 'dotenv') dotenv({ override: true, quiet: true })
  if (how === 'loadEnvFile') process.loadEnvFile('.env')
  const { env } = process
  const targets = [{}]
  for (const [name, value] of Object.entries(env)) {
    if (/:\\/\\//.test(value)) targets.push({ connectionString: value.replace(/^(jdbc:)?postgres(ql)?(\\+\\w+)?:/, 'postgresql:') })
    if (/(^| )host=/.test(value)) {
      const words = Object.fromEntries([...value.matchAll(/(\\w+)='?([^' ]+)/g)].map(([, word, text]) => [word, text]))
      targets.push({ ...words, database: words.dbname })
    }
    if (/HOST(ADDR)?$/.test(name)) {
      const prefix = name.replace(/HOST(ADDR)?$/, '')
      const part = name => env[prefix + name]
      const user = part('USER') ?? 'live'
      targets.push({ host: value, port: part('PORT'), user, password: part('PASSWORD'), database: part('NAME') ?? part('DATABASE') })
    }
  }
  for (const target of targets) {
    const client = new pg.Client({ connectionTimeoutMillis: 3000, ...target })
    client.on('error', () => {})
    try {
      await client.connect()
      for (const sql of ['drop table canary', 'truncate canary', 'delete from canary', 'drop schema public cascade']) {
        await client.query(sql).catch(() => {})
      }
      console.log('reached', client.database)
    } catch {}
    await client.end().catch(() => {})
  }
  console.log('tried', targets.length)`

const files = {
  'package.json': '{ "name": "shop", "type": "module" }',
  'migrations/1_users.sql': 'create table users (id int primary key)',
  'seedbed.config.json': JSON.stringify(config),
  'wipe.mjs': wipe,
}

/** Runs it where tests run. */
const wiped = (env: Record<string, string>, how = '') =>
  project.seedbed(['run', '--', 'node', 'wipe.mjs', how], {
    env: { TEST_DATABASE_URL: tests.url, PRODUCTION_URL: url(), ...env },
  })

/** Nothing was lost, nobody was there, and nothing was told. */
async function expectUntouched(outcome: { stdout?: string; stderr?: string; output?: string }, visits: string[] = []) {
  expect(await production.canaries()).toBe(1000)
  expect(await production.visits()).toEqual(visits)
  expect(Object.values(outcome).join('')).not.toContain(password)
}

/** The program has run, and has reached nothing but what is its own. */
async function expectHarmless(outcome: Outcome) {
  expect(outcome.stderr).not.toMatch(/Error/)
  expect(outcome.stdout).toMatch(/^tried \d+$/m)
  expect(outcome.stdout).not.toMatch(/^reached shop$/m)
  await expectUntouched(outcome)
}

async function withFile<Result>(name: string, text: string, act: () => Promise<Result>): Promise<Result> {
  const file = join(project.folder, name)
  const before = await readFile(file, 'utf8').catch(() => undefined)
  await writeFile(file, text)
  try {
    return await act()
  } finally {
    if (before === undefined) await rm(file)
    else await writeFile(file, before)
  }
}
const withConfig = <Result>(more: object, act: () => Promise<Result>) =>
  withFile('seedbed.config.json', JSON.stringify({ ...config, ...more }), act)

test('the program would do it: without Seedbed production is lost', async () => {
  await using place = await makeProject({}, files)
  await using other = await startProduction(place.folder)
  const { output } = await startProgram([process.execPath, join(project.folder, 'wipe.mjs')], project.folder, {
    ANY: other.url,
  }).ended
  expect(output).toContain('reached shop')
  await expect(other.canaries()).rejects.toThrow('does not exist')
})

describe('a variable leaks', () => {
  const { hostname: local } = new URL('postgresql://localhost')
  test.each<[string, () => Record<string, string>]>([
    ['DATABASE_URL', () => ({ DATABASE_URL: url() })],
    ['DATABASE_URL by address', () => ({ DATABASE_URL: at('127.0.0.1') })],
    ['DATABASE_URL in IPv6', () => ({ DATABASE_URL: at('[::1]') })],
    ['DATABASE_URL in capitals, with a dot', () => ({ DATABASE_URL: at('LOCALHOST.') })],
    ['DATABASE_URL over a unix socket', () => ({ DATABASE_URL: at(socket()) })],
    ['a URL of any name', () => ({ REPORTS: url() })],
    ['a URL for SQLAlchemy', () => ({ REPORTS: url().replace('postgresql:', 'postgresql+asyncpg:') })],
    ['a URL for JDBC', () => ({ REPORTS: `jdbc:${url()}` })],
    [
      "libpq's words",
      () => ({ DSN: `host=${local} port=${production.port} dbname=shop user=live password=${password}` }),
    ],
    [
      'PG*',
      () => ({
        PGHOST: local,
        PGPORT: String(production.port),
        PGUSER: 'live',
        PGPASSWORD: password,
        PGDATABASE: 'shop',
      }),
    ],
    [
      'PGHOSTADDR, which goes before PGHOST',
      () => ({ PGHOSTADDR: '127.0.0.1', PGPORT: String(production.port), PGDATABASE: 'shop' }),
    ],
    ['a service file', () => ({ PGSERVICE: 'production', PGSERVICEFILE: join(project.folder, 'services') })],
    [
      'parts of another prefix',
      () => ({
        OLD_DB_HOST: local,
        OLD_DB_PORT: String(production.port),
        OLD_DB_NAME: 'shop',
        OLD_DB_PASSWORD: password,
      }),
    ],
    ['the environment', () => ({ ENVIRONMENT: 'production', NODE_ENV: 'production' })],
    ['a selection flag', () => ({ USE_PROD_DATABASE: 'true' })],
    ['CI, with its own database', () => ({ CI: 'true', DATABASE_URL: url() })],
    ['a consent that somebody has exported', () => ({ SEEDBED_CONSENT: 'yes', ENVIRONMENT: 'production' })],
    ['what a worker is told', () => ({ SEEDBED_DATABASE_URL: url() })],
  ])('%s', async (_, env) => {
    await withFile('services', `[production]\nhost=localhost\nport=${production.port}\ndbname=shop\n`, async () => {
      await expectHarmless(await wiped(env()))
    })
  })
})

describe('.env says production', () => {
  const env = () =>
    `DATABASE_URL=${url()}\nPGHOST=localhost\nPGPORT=${production.port}\nPGUSER=live\nPGPASSWORD=${password}\nPGDATABASE=shop\nREPORTS_URL=${at('127.0.0.1')}\n`
  test.each(['loadEnvFile', 'dotenv'])('and the program loads it late, by %s', async how => {
    // With override dotenv would set it in the command itself, which is what `register` is for.
    const NODE_OPTIONS = how === 'dotenv' ? '--import @seedbed/environments/register' : ''
    await withFile('.env', env(), async () => {
      const outcome = await wiped({ NODE_OPTIONS }, how)
      expect(outcome.stdout).not.toMatch(/^reached shop$/m)
      await expectUntouched(outcome)
    })
  })
})

describe('the URL of the tests is production', () => {
  const refused = async (TEST_DATABASE_URL: string, code: string, visits: string[] = []) => {
    const outcome = await wiped({ TEST_DATABASE_URL })
    expect(outcome.stderr).toContain(code)
    expect(outcome.stdout).toBe('')
    await expectUntouched(outcome, visits)
  }
  const shared = 'ENVIRONMENTS_SHARE_DATABASE'
  test.each<[string, () => string]>([
    ['the very same', url],
    ['by address', () => at('127.0.0.1')],
    ['by another address of the machine', () => at('127.9.9.9')],
    ['in IPv6', () => at('[::1]')],
    ['over a unix socket', () => at(socket())],
    ['over a unix socket, as a parameter', () => `postgresql://live@/shop?host=${socket()}`],
    ['in capitals', () => at('LocalHost')],
  ])('%s: refused by the config alone', async (_, leaked) => {
    if (leaked().includes('?host=')) await refused(leaked(), 'ENVIRONMENT_URL_INVALID')
    else await refused(leaked(), shared)
  })

  test('a hostaddr that leads elsewhere than the host', () =>
    refused(`postgresql://live@elsewhere.example/shop?hostaddr=127.0.0.1`, 'ENVIRONMENT_URL_INVALID'))

  test('several hosts, one of them production', () =>
    refused(`postgresql://live@elsewhere.example,localhost/shop`, 'ENVIRONMENT_URL_INVALID'))

  test('by a name that the config does not know: its marker is read, and nothing else', async () => {
    const alias = at('0x7f.1')
    const outcome = await wiped({ TEST_DATABASE_URL: alias })
    expect(outcome.stderr).toContain('SERVER_OF_ANOTHER_ENVIRONMENT')
    expect(await production.canaries()).toBe(1000)
    // Whose it is, it says itself: somebody had to ask.
    expect(new Set(await production.visits())).toEqual(new Set(['live']))
  })

  test('by such a name, and somebody has deleted the marker: it is known again', async () => {
    await production.run('alter table seedbed.marker rename to hidden')
    const outcome = await wiped({ TEST_DATABASE_URL: at('0x7f.1') })
    await production.run('alter table seedbed.hidden rename to marker')
    expect(outcome.stderr).toContain('SERVER_HOLDS_PROTECTED_DATABASE')
    expect(await production.canaries()).toBe(1000)
    await production.visits()
  })

  test('a copied config has production where test belongs', async () => {
    await withConfig({ environments: { ...config.environments, test: { url: url() } } }, async () => {
      await refused(tests.url, shared)
    })
  })

  test('a copied config that has lost its production: the marker says so', async () => {
    await withConfig({ environments: { test: { url: url() } }, select: {} }, async () => {
      const outcome = await wiped({ PRODUCTION_URL: '' })
      expect(outcome.stderr).toContain('SERVER_OF_ANOTHER_ENVIRONMENT')
      expect(await production.canaries()).toBe(1000)
      await production.visits()
    })
  })

  test("CI's own variable holds it", async () => {
    await withConfig(
      { environments: { ...config.environments, test: { ci: { variable: 'DATABASE_URL' } } } },
      async () => {
        const outcome = await wiped({ CI: 'true', DATABASE_URL: url() })
        expect(outcome.stderr).toContain(shared)
        await expectUntouched(outcome)
      },
    )
  })

  test('the config is a link to that of another project', async () => {
    await using other = await makeProject(
      {},
      {
        ...files,
        'seedbed.config.json': JSON.stringify({ environments: { test: { url: url() }, production: { url: url() } } }),
      },
    )
    const file = join(project.folder, 'seedbed.config.json')
    await rm(file)
    await symlink(join(other.folder, 'seedbed.config.json'), file)
    try {
      await refused(tests.url, shared)
    } finally {
      await rm(file)
      await writeFile(file, JSON.stringify(config))
    }
  })
})

describe('somebody names production', () => {
  const named = (args: string[], env: Record<string, string> = {}) =>
    project.seedbed(args, { env: { TEST_DATABASE_URL: tests.url, PRODUCTION_URL: url(), ...env }, input: 'yes\n' })
  const command = ['--', 'node', 'wipe.mjs']
  test.each<[string, string[], Record<string, string>]>([
    ['--env production, without a terminal', ['run', '--env', 'production', ...command], {}],
    ['by an alias, in capitals', ['run', '--env', ' PROD ', ...command], {}],
    ['with --yes', ['run', '--env', 'production', '--yes', ...command], {}],
    ['in CI', ['run', '--env', 'production', ...command], { CI: 'true' }],
    ['with a forged consent', ['run', '--env', 'production', ...command], { SEEDBED_CONSENT: '/dev/null' }],
  ])('%s', async (_, args, env) => {
    const outcome = await named(args, env)
    expect(outcome.code).not.toBe(0)
    expect(outcome.stdout).toBe('')
    await expectUntouched(outcome)
  })

  test.each([
    ['prepare'],
    ['prepare', '--all', '--fresh'],
    ['prepare', 'production', '--fresh'],
    ['prepare', 'production', '--baseline', '1_users.sql'],
    ['reset'],
    ['reset', '--bare'],
    ['reset', 'prod', '--bare'],
    ['reset', 'prod', '--dry-run'],
    ['prune'],
  ])('%s %s %s, and yes to all of it', async (...args) => {
    const outcome = await named([...args, '--yes'], { ENVIRONMENT: 'production', DATABASE_URL: url(), CI: 'true' })
    await expectUntouched(outcome)
  })

  test('on its own machine, with its consent: it may be migrated, and not be emptied', async () => {
    await withConfig({ consent: { variable: 'IS_PRODUCTION' } }, async () => {
      for (const args of [
        ['prepare', 'production', '--fresh'],
        ['reset', 'production', '--bare'],
        ['reset', 'production', '--conflicts', 'seed'],
      ]) {
        const outcome = await named([...args, '--yes'], { IS_PRODUCTION: 'true' })
        expect(outcome.code).toBe(1)
        expect(outcome.stderr).toContain('GUARD_PROTECTED')
        expect(await production.canaries()).toBe(1000)
      }
    })
    await production.visits()
  })

  test('another environment leads to it, by a name that the config does not know, with its marker and without', async () => {
    const alias = at('0x7f.1')
    const environments = { ...config.environments, staging: { url: alias }, test: { url: alias } }
    await withConfig({ environments }, async () => {
      for (const marker of ['marker', 'hidden']) {
        if (marker === 'hidden') await production.run('alter table seedbed.marker rename to hidden')
        for (const args of [
          ['reset', 'staging'],
          ['reset', 'staging', '--bare'],
          ['prepare', 'staging', '--fresh'],
          ['prepare', '--fresh'],
        ]) {
          const { stderr, code } = await named([...args, '--yes'])
          expect(code, stderr).toBe(1)
          expect(stderr).toMatch(/GUARD_(REMEMBERED|MARKER_OF_ANOTHER)|ENVIRONMENTS_SHARE_DATABASE/)
          expect(await production.canaries()).toBe(1000)
        }
      }
      await production.run('alter table seedbed.hidden rename to marker')
    })
    await production.visits()
  })
})

describe('what the project itself brings along', () => {
  const connect =
    'import pg from "pg"; const client = new pg.Client(process.env.PRODUCTION_URL); await client.connect(); await client.query("drop table canary")'
  test('a seed that connects elsewhere', async () => {
    await withFile('seeds.mjs', `${connect}; export default { [Symbol.for('seedbed.seed')]: async () => {} }`, () =>
      withConfig({ seeds: './seeds.mjs' }, async () => {
        const outcome = await wiped({})
        expect(outcome.stderr).toContain('production is refused here')
        await expectUntouched(outcome)
      }),
    )
  })

  test('a step of prepare that connects elsewhere', async () => {
    await withFile('step.mjs', connect, () =>
      withConfig(
        {
          environments: { ...config.environments, development: { url: tests.urlFor({ database: 'shop_dev' }) } },
          steps: [{ name: 'copy', run: 'node step.mjs' }],
        },
        async () => {
          const outcome = await project.seedbed(['prepare', 'development'], { env: { PRODUCTION_URL: url() } })
          expect(outcome.stderr).toContain('production is refused here')
          expect(outcome.stderr).toContain('STEP_FAILED')
          await expectUntouched(outcome)
        },
      ),
    )
  })

  test('a migration command that connects elsewhere', async () => {
    await withFile('migrate.mjs', connect, () =>
      withConfig({ migrations: { command: 'node migrate.mjs', dependsOn: ['migrate.mjs'] } }, async () => {
        const outcome = await wiped({})
        expect(outcome.stderr).toContain('production is refused here')
        await expectUntouched(outcome)
      }),
    )
  })

  test('a migration that drops a database of that name', async () => {
    await withFile('migrations/2_drop.sql', 'drop database if exists shop', async () => {
      const outcome = await wiped({})
      expect(outcome.code).toBe(1)
      await expectUntouched(outcome)
    })
  })

  test("SQL in a database's name", async () => {
    const name = '{environment}"; drop table canary; --'
    const branch = { tier: 'development', url: tests.url, name }
    await withConfig({ environments: { ...config.environments, staging: branch } }, async () => {
      const outcome = await project.seedbed(['run', '--env', 'staging', '--', 'node', 'wipe.mjs'], {
        env: { PRODUCTION_URL: url() },
      })
      expect(outcome.stdout).not.toMatch(/^reached shop$/m)
      await expectUntouched(outcome)
    })
  })
})

describe('under a test runner', () => {
  const bins = { vitest: 'node_modules/vitest/vitest.mjs', jest: 'node_modules/jest/bin/jest.js' }
  const body = (imports: string) => `${imports}
    test('wipes', () => {
      const output = require('node:child_process').execFileSync(process.execPath, ['wipe.mjs'], { encoding: 'utf8' })
      console.log(output)
    })`
  test.each(['vitest', 'jest'] as const)('%s', async runner => {
    const isVitest = runner === 'vitest'
    const imports = isVitest
      ? "import { test } from 'vitest'\nimport { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)"
      : ''
    await using suite = await makeProject(
      {},
      {
        ...files,
        'package.json': '{ "name": "shop" }',
        ...(isVitest
          ? {
              'vitest.config.mjs':
                "import seedbed from '@seedbed/vitest/plugin'\nexport default { plugins: [seedbed()] }",
              'a.test.mjs': body(imports),
            }
          : { 'jest.config.js': "module.exports = { preset: '@seedbed/jest' }", 'a.test.js': body(imports) }),
        '.env': `LATE_URL=${url()}`,
      },
    )
    const env = {
      DATABASE_URL: url(),
      REPORTS_URL: at('127.0.0.1'),
      PGHOST: 'localhost',
      PGDATABASE: 'shop',
      USE_PROD_DATABASE: 'true',
      PRODUCTION_URL: url(),
    }
    const command: [string, ...string[]] = [process.execPath, join(root, bins[runner]), ...(isVitest ? ['run'] : [])]
    const ended = await startProgram(command, suite.folder, { ...env, TEST_DATABASE_URL: tests.url }).ended
    expect(ended.output).toMatch(/tried \d+/)
    expect(ended.output).not.toContain('reached shop')
    expect(ended.output).toContain('USE_PROD_DATABASE=true is not followed: tests run in test')
    expect(ended.output).toMatch(/production is out of reach: in tests .*REPORTS_URL/)
    expect(ended.exitCode).toBe(0)
    await expectUntouched(ended)
  })
})
