import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeProject, type Project } from './support/project.js'
import { atTerminal, type } from './support/terminal.js'

const migration = { 'migrations/1_users.sql': 'create table users (id int generated always as identity primary key)' }
const manifest = (packages: string[], more: object = {}) =>
  JSON.stringify(
    { name: 'shop', ...more, devDependencies: Object.fromEntries(packages.map(name => [name, '*'])) },
    undefined,
    2,
  )

/** Every file that is the project's own, with its text; a run adds to the audit log. */
async function contents({ folder }: Project): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile() && !/node_modules|fake|\.seedbed/.test(entry.parentPath))
  const paths = files.map(({ parentPath, name }) => join(parentPath, name))
  return Object.fromEntries(
    await Promise.all(paths.map(async path => [path.slice(folder.length + 1), await readFile(path, 'utf8')] as const)),
  )
}

describe('on a real PostgreSQL', () => {
  let server: PostgresForTests
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test.each([
    [
      'Vitest, TypeScript, ES modules, with a config, variables of its own and production in .env',
      {
        'package.json': manifest(['vitest', 'typescript', 'pg'], { type: 'module' }),
        'vitest.config.ts':
          "import { defineConfig } from 'vitest/config'\n\nexport default defineConfig({ test: { testTimeout: 9000 } })\n",
        'src/db.ts': 'export const host = process.env.DB_HOST',
        '.env': 'LIVE_DATABASE_URL=postgresql://ada:s3cret@db.example.com/shop\n',
      },
      ['vitest.config.ts', 'seedbed.config.ts', 'test/database.test.ts', '.gitignore'],
      /1 passed[^]*in tests LIVE_DATABASE_URL refuses/,
    ],
    [
      'Jest, JavaScript, CommonJS, with an environment of its own in package.json, and two candidates for the migrations',
      {
        'package.json': manifest(['jest', 'pg'], {
          jest: { testEnvironment: 'node', testMatch: ['<rootDir>/src/**/*.spec.js'] },
        }),
        'src/users.spec.js': "test('is of the project', () => {})",
        'schema.sql': 'create table of_the_dump ()',
      },
      ['jest.config.js', 'package.json', 'seedbed.config.js', 'src/database.spec.js', '.gitignore'],
      /starts on the migrated database[^]*1 passed/,
    ],
  ])(
    '%s: all is set up, the first test passes, and a second time nothing is changed',
    async (_, files, written, passed) => {
      await using project = await makeProject({ TEST_DATABASE_URL: server.url }, { ...migration, ...files })
      const first = await project.seedbed(['init', '--yes', '--no-install'])
      expect(first, first.stderr).toMatchObject({ code: 0 })
      expect(first.stderr).toContain(`written: ${written.join(', ')}`)
      expect(first.stdout + first.stderr).toMatch(passed)
      expect(first.stdout + first.stderr).not.toContain('s3cret')

      const before = await contents(project)
      const second = await project.seedbed(['init', '--no-install', '--json'])
      expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing was changed') as string })
      expect(JSON.parse(second.stdout)).toMatchObject({ files: [], byHand: [], written: [], tests: [{ code: 0 }] })
      expect(await contents(project)).toEqual(before)
    },
  )
})

/** A project whose npm and npx are programs of ours: they note what they are asked, and end as they are told. */
async function fakedProject({
  npm = '',
  npx = '',
  files = {},
}: {
  npm?: string
  npx?: string
  files?: Record<string, string>
}) {
  const project = await makeProject({}, { 'package.json': manifest(['vitest']), ...migration, ...files })
  const folder = join(project.folder, 'fake')
  await mkdir(folder)
  for (const [name, script] of Object.entries({ npm, npx })) {
    await writeFile(join(folder, name), `#!/bin/sh\necho ${name} "$@" >> "${folder}/calls"\n${script}\n`)
    await chmod(join(folder, name), 0o755)
  }
  const env = { PATH: `${folder}:${process.env.PATH}` }
  return Object.assign(project, {
    env,
    calls: async () =>
      (await readFile(join(folder, 'calls'), 'utf8').catch(() => '')).trim().split('\n').filter(Boolean),
    init: (...args: string[]) => project.seedbed(['init', ...args], { env }),
  })
}

describe.skipIf(process.platform === 'win32')('with a package manager of ours', () => {
  test('it installs, writes, and runs the first test, in this order', async () => {
    await using project = await fakedProject({ npm: 'test ! -e vitest.config.mjs', npx: 'test -e vitest.config.mjs' })
    const { code, stdout } = await project.init('--yes')
    expect(code).toBe(0)
    expect(stdout).toContain('+export default defineConfig({ plugins: [seedbed()] })\n')
    expect(await project.calls()).toEqual([
      expect.stringMatching(/^npm install --save-dev @seedbed\/vitest@\S+ @seedbed\/core@\S+$/),
      'npx --no-install vitest run test/database.test.js',
    ])
  })

  test('the outcome of the test is the outcome of init', async () => {
    await using project = await fakedProject({ npx: 'exit 7' })
    const { code, stderr } = await project.init('--yes')
    expect(code).toBe(1)
    expect(stderr).toContain('test/database.test.js has failed')
  })

  test.each([
    ['fails', 'test -e fake/online', 1, /nothing was written/],
    ['is interrupted', 'test -e fake/online || exit 130', 130, /nothing was written/],
    ['is killed together with init', 'test -e fake/online || kill -9 $PPID', null, /^$/],
  ])('an installation that %s leaves every file as it was, and a second init goes on', async (_, npm, code, says) => {
    await using project = await fakedProject({ npm })
    const before = await contents(project)
    expect(await project.init('--yes')).toMatchObject({ code, stderr: expect.stringMatching(says) as string })
    expect(await contents(project)).toEqual(before)
    await writeFile(join(project.folder, 'fake/online'), '')
    expect(await project.init('--yes')).toMatchObject({ code: 0 })
  })

  test('a file that somebody writes while it installs is not overwritten', async () => {
    await using project = await fakedProject({ npm: "echo 'mine()' > vitest.config.mjs" })
    const { code, stderr } = await project.init('--yes')
    expect(code).toBe(1)
    expect(stderr).toContain('INIT_FILE_CHANGED')
    expect(await readFile(join(project.folder, 'vitest.config.mjs'), 'utf8')).toBe('mine()\n')
  })

  test.each([
    [['init'], 1, /no terminal at which somebody could be asked/],
    [['init', '--json'], 1, /no terminal/],
    [['init', '--dry-run'], 0, /^$/],
    [['init', '--dry-run', '--json', '--yes'], 0, /^$/],
    [['init', '--runner', 'mocha'], 2, /Allowed choices are vitest, jest/],
    [['init', '--runner', 'jest', '--yes'], 1, /INIT_NO_RUNNER/],
  ])('nothing is changed by %j', async (args, expected, says) => {
    await using project = await fakedProject({})
    const before = await contents(project)
    const { code, stdout, stderr } = await project.seedbed(args, { env: project.env })
    expect(code).toBe(expected)
    expect(stderr).toMatch(says)
    expect(await contents(project)).toEqual(before)
    expect(await project.calls()).toEqual([])
    if (!args.includes('--json')) return
    const paths = (JSON.parse(stdout) as { files: { path: string }[] }).files.map(({ path }) => path)
    expect(paths).toEqual(['vitest.config.mjs', 'test/database.test.js', '.gitignore'])
  })

  test('it says what was found, and what is not clear or not there', async () => {
    await using one = await fakedProject({})
    expect((await one.init('--dry-run')).stdout).toMatch(/^migrations migrations \(\.sql files\) \(its place\)$/m)
    await using two = await fakedProject({ files: { 'drizzle/meta/_journal.json': '{}' } })
    const { stdout } = await two.init('--dry-run')
    expect(stdout).toMatch(/^migrations not clear: migrations and drizzle could each make the schema$/m)
    expect(stdout).toContain("  // or migrations: './drizzle',\n")
  })

  test('what cannot be edited is left to the user, with the lines; all else is written, and no test is run', async () => {
    const files = { 'vitest.config.ts': 'export default secret({})' }
    await using project = await fakedProject({ files })
    const { code, stdout, stderr } = await project.init('--yes')
    expect(code).toBe(1)
    expect(stdout).toContain('vitest.config.ts is left to you: ')
    expect(stdout).toContain("  import seedbed from '@seedbed/vitest/plugin'\n  plugins: [seedbed()]\n")
    expect(stderr).toContain('run seedbed init again')
    expect((await contents(project))['vitest.config.ts']).toBe(files['vitest.config.ts'])
    expect(await project.calls()).toHaveLength(1)
    await writeFile(join(project.folder, 'vitest.config.ts'), "// '@seedbed/vitest/plugin'")
    expect(await project.init('--yes')).toMatchObject({ code: 0 })
  })

  test('no password of a config is shown', async () => {
    const url = 'postgresql://ada:s3cret@localhost/shop'
    const files = {
      'vitest.config.ts': `export default {\n  test: { env: { A: '${url}', DB_PASSWORD: 's3cret' } },\n}\n`,
    }
    await using project = await fakedProject({ files })
    for (const args of [['--dry-run'], ['--dry-run', '--json'], ['--yes']]) {
      const { stdout, stderr } = await project.init(...args)
      expect(stdout + stderr).not.toContain('s3cret')
      expect(stdout).toContain('ada:***@localhost')
    }
    expect((await contents(project))['vitest.config.ts']).toContain(url)
  })

  test.skipIf(process.platform !== 'linux').each([
    ['y\r', 0],
    ['Yes\r', 0],
    ['n\r', 1],
    ['\r', 1],
    ['\u0004', 1],
    ['y\u0003', 130],
  ])('at a terminal it asks, after a coloured diff: %j', async (types, expected) => {
    await using project = await fakedProject({})
    const before = await contents(project)
    const running = atTerminal(project, 'init', { env: project.env })
    const { code, stdout } = await type(running, /Write this\? /, types)
    expect(code).toBe(expected)
    expect(stdout).toContain('\u001b[32m+.seedbed/')
    expect(await project.calls()).toHaveLength(expected === 0 ? 2 : 0)
    if (expected !== 0) expect(await contents(project)).toEqual(before)
  })
})
