import { existsSync } from 'node:fs'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeProject, withFiles, type Outcome, type Project } from './support/project.js'

let server: PostgresForTests
let project: Project
beforeAll(async () => {
  server = await startPostgres({ version: 18 })
  project = await makeProject({ TEST_DATABASE_URL: server.url })
})
afterAll(async () => {
  await project?.[Symbol.asyncDispose]()
  await server?.stop()
})

const app = (...sql: string[]) => ['run', '--', 'node', 'app.mjs', ...sql]
const readUsers = "select string_agg(name, ' ' order by id) from users"

test('what a command commits is there for all of it, and never in the database', async () => {
  const script = `
    node app.mjs begin "insert into users (name) values ('Grace')" commit
    node app.mjs "insert into users (name) values ('Barbara')" &&
    node app.mjs "${readUsers}"`
  const outcome = await project.seedbed(['run', '--', 'sh', '-c', script])
  expect(outcome).toMatchObject({ code: 0, stdout: 'Ada Grace Barbara\n' })
  expect(outcome.stderr).toMatch(/^seedbed {2}rolled back: INSERT 2 times \(2 rows\), SELECT once \(1 row\)$/m)
  expect(await inDatabase(databaseOf(outcome), readUsers)).toEqual(['Ada'])
  // With the same ids, too.
  const again = await project.seedbed(app("insert into users (name) values ('Grace') returning id"))
  expect(again).toMatchObject({ code: 0, stdout: '2\n' })
})

test.each([
  { isolation: 'restore', undone: 'put back' },
  { isolation: 'database', undone: 'dropped' },
])('where code has to commit it does so, and nothing of it stays: $isolation', async ({ isolation, undone }) => {
  const files = { 'seedbed.config.json': JSON.stringify({ isolation }) }
  await using committing = await makeProject({ TEST_DATABASE_URL: server.url }, withFiles(files))
  // In a sandbox both would be the same transaction's.
  const script = `node app.mjs "select pg_current_xact_id()"; node app.mjs "select pg_current_xact_id()"`
  const [first, second] = (await committing.seedbed(['run', '--', 'sh', '-c', script])).stdout.trim().split('\n')
  expect(Number(second)).toBeGreaterThan(Number(first))
  const outcome = await committing.seedbed(app("insert into users (name) values ('Grace') returning id"))
  expect(outcome).toMatchObject({ code: 0, stdout: '2\n' })
  expect(outcome.stderr).toMatch(new RegExp(`^seedbed {2}committed and ${undone}: INSERT once \\(1 row\\)$`, 'm'))
  expect(await committing.seedbed(app(readUsers))).toMatchObject({ stdout: 'Ada\n' })
})

test('--json says what was done as the last line of standard error; standard output is the command’s', async () => {
  const insert = "insert into users (name) values ('Grace') returning id"
  const outcome = await project.seedbed(['run', '--json', '--', 'sh', '-c', `node app.mjs "${insert}"; exit 3`])
  expect(outcome).toMatchObject({ code: 3, stdout: '2\n' })
  expect(JSON.parse(outcome.stderr.trim().split('\n').at(-1)!)).toMatchObject({
    ...{ environment: 'test', database: databaseOf(outcome), exitCode: 3, report: { dropped: [] } },
    footprint: expect.any(Object) as object,
  })
})

test('the database is used again by the next run, and nobody is left in it', async () => {
  const outcomes = [await project.seedbed(app(readUsers)), await project.seedbed(app(readUsers))]
  expect(outcomes.map(({ stdout }) => stdout)).toEqual(['Ada\n', 'Ada\n'])
  expect(databaseOf(outcomes[0]!)).toBe(databaseOf(outcomes[1]!))
  // The line of the database and that of the footprint: nothing was built, and nothing had to be dropped.
  expect(outcomes[1]!.stderr.trim().split('\n')).toHaveLength(2)
  expect(await sessions()).toBe(0)
})

test('two at once do not see each other', async () => {
  const name = "insert into users (name) values ('Grace') returning id"
  const first = project.start(['run', '--', 'sh', '-c', `node app.mjs "${name}"; cat; node app.mjs "${readUsers}"`])
  await first.printed(/^2$/m)
  const second = await project.seedbed(app(name, readUsers))
  first.child.stdin!.end()
  const outcome = await first.ended
  expect([second.stdout, outcome.stdout]).toEqual(['2\nAda Grace\n', '2\nAda Grace\n'])
  expect(databaseOf(second)).not.toBe(databaseOf(outcome))
})

test('standard input is the command’s, and of standard output every byte', async () => {
  const input = 'a line\nand \u0000 another, without an end'
  expect(await project.seedbed(['run', '--', 'cat'], { input })).toMatchObject({ code: 0, stdout: input })
})

test('DATABASE_URL, PG*, ENVIRONMENT and the config’s variables, from any folder below it', async () => {
  const names = 'DATABASE_URL PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGHOSTADDR PGSERVICE ENVIRONMENT DB_PORT'
  await using configured = await makeProject(
    { TEST_DATABASE_URL: server.url },
    withFiles({
      'seedbed.config.mjs': 'export default { variables: ({ port }) => ({ DB_PORT: String(port) }) }',
      'src/print.mjs': `
        import pg from 'pg'
        const client = new pg.Client()
        await client.connect()
        const { rows } = await client.query("${readUsers}")
        await client.end()
        console.log(JSON.stringify([rows[0].string_agg, ...'${names}'.split(' ').map(name => process.env[name] ?? null)]))`,
    }),
  )
  const env = { PGHOSTADDR: '192.0.2.1', PGSERVICE: 'production', DATABASE_URL: 'postgresql://192.0.2.1/production' }
  const outcome = await configured.seedbed(['run', 'node', 'print.mjs'], { env, cwd: 'src' })
  const [users, url, ...others] = JSON.parse(outcome.stdout) as string[]
  const { hostname, port, username, password, pathname } = new URL(url!)
  expect(users).toBe('Ada')
  expect(others).toEqual([hostname, port, username, password, pathname.slice(1), null, null, 'test', port])
  expect(outcome.stderr).not.toContain(password)
})

test.each([
  ['its own', ['sh', '-c', 'exit 3'], 3],
  ['128 + n after a signal', ['sh', '-c', 'kill -KILL $$'], 137],
  ['127 where there is no such command', ['no-such-command'], 127],
  ['126 where it cannot be executed', ['/'], 126],
])('the exit code is %s', async (_, command, code) => {
  const outcome = await project.seedbed(['run', '--', ...command])
  expect(outcome).toMatchObject({ code, stdout: '' })
  if (code === 127) expect(outcome.stderr).toMatch('no-such-command: command not found')
  if (code === 126) expect(outcome.stderr).toMatch('/: cannot be executed')
})

test('a transaction that the command has left open is named', async () => {
  const { code, stderr } = await project.seedbed(app('begin', 'delete from users'))
  expect(code).toBe(0)
  expect(stderr).toMatch(
    /^seedbed {2}client 1 \(app, port \d+\) left a transaction open; its last statement: delete from users$/m,
  )
})

test('a process that the command leaves behind loses its connection when the command ends', async () => {
  const script = `
    mkfifo said
    node app.mjs begin "insert into users (name) values ('Grace')" "select 'ready'" stay > said &
    read line < said
    exit 5`
  const { code, stderr } = await project.seedbed(['run', '--', 'sh', '-c', script])
  expect(code).toBe(5)
  expect(stderr).toMatch(/left a transaction open; its last statement: select 'ready'$/m)
  expect(await project.seedbed(app(readUsers))).toMatchObject({ stdout: 'Ada\n' })
})

test.skipIf(!onPath('psql'))('psql (skipped where there is none)', async () => {
  const outcome = await project.seedbed(['run', '--', 'psql', '-qAt', '-c', readUsers])
  expect(outcome).toMatchObject({ code: 0, stdout: 'Ada\n' })
})

/** The worker database that a run has named. */
function databaseOf({ stderr }: Outcome): string {
  return /^seedbed {2}\[TEST\] test · a sandbox of (\w+)$/m.exec(stderr)![1]!
}

/** As the administrator sees it, beside all sandboxes. */
async function inDatabase(database: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: server.urlFor({ database }) })
  await client.connect()
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows.map(([value]) => value)
  } finally {
    await client.end()
  }
}

async function sessions(): Promise<unknown> {
  const [count] = await inDatabase(
    'postgres',
    "select count(*)::int from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  )
  return count
}

function onPath(program: string): boolean {
  return process.env.PATH!.split(':').some(folder => existsSync(`${folder}/${program}`))
}
