import { spawnSync } from 'node:child_process'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeProject, withFiles, type Project } from './support/project.js'
import { sqlOn } from './support/sql.js'
import { atTerminal, type } from './support/terminal.js'

let server: PostgresForTests
let project: Project
beforeAll(async () => {
  server = await startPostgres({ version: 18 })
  project = await makeProject(
    { TEST_DATABASE_URL: server.url },
    withFiles({
      // Says what it hears, and ends when its input does, with how often it has heard something.
      'listen.mjs': `
        let heard = 0
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
          process.on(signal, () => console.log(\`heard \${signal} \${++heard}\`))
        }
        process.stdin.on('data', text => String(text).includes('end') && process.exit(heard)).on('end', () => process.exit(heard))
        console.log('listening')`,
    }),
  )
})
afterAll(async () => {
  await project?.[Symbol.asyncDispose]()
  await server?.stop()
})

const run = sqlOn(() => server)
const listen = ['run', '--', 'node', 'listen.mjs']

test('signals go to the command, as often as they come, and it decides what they mean', async () => {
  const running = project.start(listen)
  await running.printed(/listening/)
  for (const [index, signal] of (['SIGINT', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const).entries()) {
    running.child.kill(signal)
    await running.printed(new RegExp(`heard ${signal} ${index + 1}`))
  }
  running.child.stdin!.end()
  const { code, stderr } = await running.ended
  expect(code).toBe(4)
  expect(stderr).toMatch(/nothing to roll back/)
})

test('a command that a signal ends is put back as any other', async () => {
  const running = project.start([
    'run',
    '--',
    'sh',
    '-c',
    `node app.mjs "insert into users (name) values ('Grace') returning id"; exec cat`,
  ])
  await running.printed(/^2$/m)
  running.child.kill('SIGINT')
  expect(await running.ended).toMatchObject({
    code: 130,
    stderr: expect.stringMatching(/rolled back: INSERT/) as string,
  })
  expect(await users()).toEqual('Ada\n')
})

const hasScript = spawnSync('script', ['--version']).status === 0
test.skipIf(!hasScript)(
  'on a terminal, Ctrl-C reaches the command once (skipped without util-linux’s script)',
  async () => {
    const running = atTerminal(project, listen.join(' '), { env: { TEST_DATABASE_URL: server.url } })
    await running.printed(/listening/)
    running.child.stdin!.write('\u0003')
    await running.printed(/heard SIGINT 1/)
    running.child.stdin!.write('\u0003')
    const { code, stdout } = await type(running, /heard SIGINT 2/, 'end\n')
    expect(code, stdout).toBe(2)
    expect(stdout).toContain('\u001b[1mseedbed')
  },
)

test('killed, it leaves no session, no lease and no row', async () => {
  const running = project.start([
    'run',
    '--',
    'sh',
    '-c',
    `node app.mjs "insert into users (name) values ('Grace') returning id"; exec cat`,
  ])
  await running.printed(/^2$/m)
  running.child.kill('SIGKILL')
  running.child.stdin!.end()
  await running.ended
  await expect.poll(sessions, { timeout: 30_000 }).toBe(0)
  expect(await users()).toEqual('Ada\n')
})

test('while its database is made ready, a signal ends it at once', async () => {
  await using slow = await makeProject(
    { TEST_DATABASE_URL: server.url },
    withFiles({ 'seeds/slow.sql': 'select pg_sleep(600)' }),
  )
  const running = slow.start(['run', '--', 'node', 'app.mjs'])
  await expect.poll(() => active('%pg_sleep(600)%'), { timeout: 30_000 }).toBe(1)
  running.child.kill('SIGINT')
  await running.ended
  expect(running.child.signalCode).toBe('SIGINT')
})

async function users(): Promise<string> {
  return (await project.seedbed(['run', '--', 'node', 'app.mjs', "select string_agg(name, ' ') from users"])).stdout
}

const sessions = () => countSessions("application_name not like 'pg_%'")
const active = (query: string) => countSessions(`state = 'active' and query like '${query}'`)

async function countSessions(condition: string): Promise<number> {
  const [row] = await run<{ count: number }>(
    `select count(*)::int from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() and ${condition}`,
  )
  return row!.count
}
