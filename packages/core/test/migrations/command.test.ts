import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { runWithDatabase } from '../../src/run/run-with-database.js'
import { planMigrations } from '../../src/migrations/plan-migrations.js'
import { failureOf, makeProject, query, useServer } from './project.js'

const server = useServer()
const noRoles = { knownRoles: [] }
const core = join(import.meta.dirname, '../..')
// `pg` is found from core's folder, whatever the project's folder is
const migrateScript = `
  import { createRequire } from 'node:module'
  const { Client } = createRequire(${JSON.stringify(pathToFileURL(join(core, 'package.json')).href)})('pg')
  for (const connection of [{ connectionString: process.env.DATABASE_URL }, {}]) {
    const client = new Client(connection)
    await client.connect()
    await client.query(process.argv[2] ?? 'create table if not exists made_by_command (id int)')
    await client.end()
  }
`
const node = JSON.stringify(process.execPath)

test('runs in the folder with DATABASE_URL, PG* and the config’s variables, and no other PG*', async () => {
  await using project = await makeProject({ 'migrate.mjs': migrateScript, 'models/user.ts': 'v1' })
  const { folder } = project
  await project.write({
    'show.mjs':
      "import { writeFileSync } from 'node:fs'; writeFileSync('seen.json', JSON.stringify({ ...process.env, cwd: process.cwd() }))",
  })
  const plan = await planMigrations(folder, {
    migrations: { command: `${node} migrate.mjs && ${node} show.mjs`, dependsOn: ['models', './migrate.mjs'] },
    variables: ({ host, database }) => ({ DB_NAME: database, DB_HOST: host }),
  })
  expect(plan.description).toContain('the command ')
  expect(plan.watched).toEqual([join(folder, 'models'), join(folder, 'migrate.mjs')])
  expect(Object.keys(plan.fingerprint)).toEqual(['migration command', 'models/user.ts', 'migrate.mjs'])
  const url = await server.database()
  process.env['PGSERVICE'] = 'none'
  process.env['PGSEEDBEDTEST'] = 'x'
  try {
    await plan.apply({ url, ...noRoles })
  } finally {
    delete process.env['PGSERVICE']
    delete process.env['PGSEEDBEDTEST']
  }
  expect(await query(url, "select to_regclass('made_by_command')::text")).toEqual(['made_by_command'])
  const seen = JSON.parse(await readFile(join(folder, 'seen.json'), 'utf8')) as Record<string, string>
  const socketFolder = decodeURIComponent(new URL(url).hostname)
  expect(seen).toMatchObject({
    DATABASE_URL: url,
    PGHOST: socketFolder,
    PGUSER: 'app',
    PGPASSWORD: 'p%w d',
    DB_HOST: socketFolder,
    cwd: folder,
  })
  expect(seen['DB_NAME']).toBe(seen['PGDATABASE'])
  expect(
    Object.keys(seen)
      .filter(name => name.startsWith('PG'))
      .toSorted(),
  ).toEqual(['PGDATABASE', 'PGHOST', 'PGPASSWORD', 'PGPORT', 'PGUSER'])
})

test('its output is shown when it fails, without the password, and only the end of it', async () => {
  await using project = await makeProject({
    'fail.mjs': `for (let line = 0; line < 5000; line++) console.log('line ' + line)
      console.error('cannot connect to ' + process.env.DATABASE_URL + ' with ' + process.env.PGPASSWORD); process.exitCode = 3`,
  })
  const plan = await planMigrations(project.folder, {
    migrations: { command: `${node} fail.mjs`, dependsOn: ['fail.mjs'] },
  })
  const error = await failureOf(plan.apply({ url: await server.database(), ...noRoles }))
  expect(error.code).toBe('MIGRATION_COMMAND_FAILED')
  expect(error.message).toContain('fail.mjs ended with exit code 3.')
  expect(error.message).toContain('line 4999')
  expect(error.message).not.toContain('line 10\n')
  expect(error.message).toContain('cannot connect to postgresql://app:***@')
  expect(error.message).not.toContain('p%w d')
  expect(error.message).not.toContain(encodeURIComponent('p%w d'))
  expect(error.message.length).toBeLessThan(20_000)
})

test('a command that does not exist, and one that is killed', async () => {
  await using project = await makeProject({ x: '' })
  const url = await server.database()
  const plan = (command: string) => planMigrations(project.folder, { migrations: { command, dependsOn: ['x'] } })
  expect((await failureOf((await plan('no-such-tool-at-all')).apply({ url, ...noRoles }))).message).toMatch(
    /exit code 127[^]*no-such-tool-at-all/,
  )
  expect((await failureOf((await plan('kill -9 $$')).apply({ url, ...noRoles }))).message).toContain(
    'was killed by SIGKILL',
  )
})

test('one that ends well but has made nothing is refused: it was on another database', async () => {
  await using project = await makeProject({ x: '' })
  const plan = await planMigrations(project.folder, {
    migrations: { command: 'echo No pending migrations', dependsOn: ['x'] },
  })
  const error = await failureOf(plan.apply({ url: await server.database(), ...noRoles }))
  expect(error.code).toBe('MIGRATION_COMMAND_IDLE')
  expect(error.message).toContain('No pending migrations')
})

test('what it depends on decides, and must exist', async () => {
  await using project = await makeProject({
    'models/a.ts': '1',
    'models/node_modules/x.js': '1',
    'models/.cache': '1',
    'empty/.gitkeep': '',
  })
  const plan = (dependsOn: string[], command = 'true') =>
    planMigrations(project.folder, { migrations: { command, dependsOn } })
  const before = (await plan(['models'])).fingerprint
  expect((await plan(['models'])).fingerprint).toEqual(before)
  expect((await plan(['models'], 'true ')).fingerprint).not.toEqual(before)
  await project.write({ 'models/deep/b.ts': '2', 'models/node_modules/x.js': '2' })
  expect(Object.keys((await plan(['models'])).fingerprint)).toEqual([
    'migration command',
    'models/a.ts',
    'models/deep/b.ts',
  ])
  const missing = await failureOf(plan(['models', 'model']))
  expect(missing.code).toBe('MIGRATIONS_NOT_FOUND')
  expect(missing.hint).toContain('Did you mean models?')
  expect((await failureOf(plan(['empty']))).code).toBe('MIGRATIONS_EMPTY')
  await project.write({ 'models/a.ts': 'create role x' })
  expect((await plan(['models'])).mayCreateRoles).toBe(true)
})

/** A shell that starts a grandchild, tells its pid and waits for it. */
const sleeper = 'sleep 600 & echo $! > grandchild; wait'

async function pidOf(folder: string): Promise<number> {
  for (;;) {
    const text = await readFile(join(folder, 'grandchild'), 'utf8').catch(() => '')
    if (text.endsWith('\n')) return Number(text)
  }
}

async function gone(pid: number): Promise<boolean> {
  for (;;) {
    try {
      process.kill(pid, 0)
      // a killed process whose parent is gone may wait for init to take notice
      if (/^State:\s+Z/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))) return true
    } catch {
      return true
    }
  }
}

test.skipIf(process.platform === 'win32')('it is killed with all that it has started when its time is up', async () => {
  await using project = await makeProject()
  const end = runWithDatabase({
    run: { shell: sleeper },
    folder: project.folder,
    url: await server.database(),
    variables: {},
    limit: 400,
  })
  const pid = await pidOf(project.folder)
  expect((await end).failure).toContain('did not end within')
  expect(await gone(pid)).toBe(true)
})

test.skipIf(process.platform === 'win32').each(['SIGINT', 'SIGTERM'] as const)(
  'it is killed with all that it has started when this process gets %s',
  async signal => {
    await using project = await makeProject()
    await project.write({
      'run.mjs': `import { runWithDatabase } from ${JSON.stringify(pathToFileURL(join(core, 'dist/run/run-with-database.js')).href)}
      await runWithDatabase({ run: { shell: ${JSON.stringify(sleeper)} }, folder: '.', url: 'postgresql://a@b/c', variables: {}, limit: 60000 })`,
    })
    await rm(join(project.folder, 'grandchild'), { force: true })
    const runner = spawn(process.execPath, ['run.mjs'], { cwd: project.folder, stdio: 'ignore' })
    const pid = await pidOf(project.folder)
    runner.kill(signal)
    const [code, by] = (await once(runner, 'exit')) as [number | null, string | null]
    expect([code, by]).toEqual([null, signal])
    expect(await gone(pid)).toBe(true)
  },
)
