import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { Running } from '../../../test/contract/test/support/program.js'
import { makeProject, type Project } from './support/project.js'

const counting = `
  import { test } from '@seedbed/vitest'
  test('counts', async ({ db }) => {
    const { rows } = await db.query('select count(*)::int from users')
    console.log('users:', rows[0].count)
  })`

test('in watch mode an edited, new or removed seed or migration rebuilds the template and runs again', () =>
  inWatchMode(counting, async (project, running) => {
    await project.write({ 'seeds/users.json': '{ "users": [{ "name": "Ada" }] }' })
    await running.printed(/seeds\/users\.json changed/)
    await running.printed(/users: 1/)
    await running.printed(/for file changes/)
    await project.write({ 'seeds/users.json': '{ "users": [{ "nmae": "Ada" }] }' })
    await running.printed(/SEED_UNKNOWN_COLUMN/)
    await running.printed(/for file changes/)
    await project.write({ 'migrations/1_users.sql': 'create table users (nmae text)' })
    await running.printed(/users: 1/)
    await running.printed(/for file changes/)
    await project.write({ 'seeds/more.json': '{ "users": [{ "nmae": "Bob" }] }' })
    await running.printed(/users: 2/)
    await running.printed(/for file changes/)
    await rm(join(project.folder, 'seeds/more.json'))
    await running.printed(/users: 1/)
    await running.printed(/for file changes/)
  }))

test('in watch mode what a seed imports is watched, and what a config has come to name', () =>
  inWatchMode(
    counting,
    async (project, running) => {
      const seed = `
      import { defineSeed } from '@seedbed/core'
      import { names } from '../lib/names.js'
      export default defineSeed(({ insert }) => insert('users', names.map(name => ({ name }))).then(() => {}))`
      await project.write({ 'lib/names.js': "export const names = ['Eve']", 'seeds/z.js': seed })
      await running.printed(/users: 3/)
      await running.printed(/for file changes/)
      for (const names of [['Eve', 'Bob'], []]) {
        await project.write({ 'lib/names.js': `export const names = ${JSON.stringify(names)}` })
        await running.printed(new RegExp(`users: ${2 + names.length}`))
        await running.printed(/for file changes/)
      }
      await project.write({ 'seedbed.config.json': '{ "seeds": "./db/others" }' })
      await running.printed(/db\/others does not exist/)
      await running.printed(/for file changes/)
      await project.write({ 'db/others/users.json': '{ "users": [{ "name": "Ada" }] }' })
      await running.printed(/users: 1/)
      await running.printed(/for file changes/)
    },
    { 'seedbed.config.json': '{}', 'db/README.md': '' },
  ))

test('in watch mode a seed that is edited while its template is built again is in it, and disturbs no test', () => {
  const slowly = counting.replace('const {', "await db.query('select pg_sleep(1)')\n    const {")
  return inWatchMode(slowly, async (project, running) => {
    await project.write({ 'seeds/users.json': '{ "users": [{ "name": "Ada" }] }' })
    await running.printed(/seeds\/users\.json changed/)
    await project.write({
      'seeds/users.json': '{ "users": [{ "name": "Ada" }, { "name": "Bob" }, { "name": "Eve" }] }',
    })
    await running.printed(/users: 3/)
    await running.printed(/for file changes/)
    expect(running.output()).not.toContain('Error')
  })
})

test('in watch mode a seed that is broken at the start is no end', async () => {
  await using project = await makeProject({
    'a.test.ts': counting,
    'seeds/users.json': '{ "users": [{ "nmae": "Ada" }] }',
  })
  const running = project.start({ args: ['watch', '--maxWorkers=1'] })
  try {
    await running.printed(/no column "nmae"[^]*RUN_NOT_READY/)
    await running.printed(/for file changes/)
    await project.write({ 'seeds/users.json': '{ "users": [{ "name": "Ada" }] }' })
    await running.printed(/users: 1/)
    running.child.kill('SIGINT')
    await running.ended
  } finally {
    running.child.kill('SIGKILL')
  }
})

function isServerUp({ folder }: Project): boolean {
  const clusters = join(process.env.SEEDBED_HOME!, 'clusters')
  const own = readdirSync(clusters).find(name => {
    const record = join(clusters, name, 'cluster.json')
    return existsSync(record) && JSON.parse(readFileSync(record, 'utf8')).projectFolder === folder
  })
  return existsSync(join(clusters, own!, 'data/postmaster.pid'))
}

/** From behind its first run until it is interrupted. */
async function inWatchMode(
  file: string,
  work: (project: Project, running: Running) => Promise<void>,
  more: Record<string, string> = {},
): Promise<void> {
  await using project = await makeProject({ 'a.test.ts': file, ...more })
  const running = project.start({ args: ['watch', '--maxWorkers=1'] })
  try {
    await running.printed(/users: 2/)
    await running.printed(/for file changes/)
    await work(project, running)
    running.child.kill('SIGINT')
    await running.ended
  } finally {
    running.child.kill('SIGKILL')
  }
}

test('Ctrl-C in the middle of a test leaves no server, and nothing that harms the next run', async () => {
  await using project = await makeProject({
    'a.test.ts': `
      import { test } from '@seedbed/vitest'
      test('is interrupted', async ({ db }) => {
        await db.query("insert into users (name) values ('Eve')")
        console.log('in the test')
        await db.query('select pg_sleep(60)')
      }, 60_000)`,
  })
  const running = project.start()
  await running.printed(/in the test/)
  expect(isServerUp(project)).toBe(true)
  running.child.kill('SIGINT')
  await running.ended
  await vi.waitFor(() => expect(isServerUp(project)).toBe(false), { timeout: 30_000 })
  await project.write({ 'a.test.ts': counting })
  const next = await project.vitest()
  expect(next.output).toMatch(/users: 2/)
  expect(next.exitCode).toBe(0)
})

test('SIGKILL in the middle of a test leaves nothing that harms the next run', async () => {
  await using project = await makeProject({
    'a.test.ts': `
      import { test } from '@seedbed/vitest'
      test('is killed', async ({ db }) => {
        await db.query("insert into users (name) values ('Eve')")
        process.kill(process.ppid, 'SIGKILL')
        await db.query('select pg_sleep(60)')
      }, 60_000)`,
  })
  await project.vitest({ args: ['run', '--pool=forks'] })
  await project.write({ 'a.test.ts': counting })
  const next = await project.vitest()
  expect(next.output).toMatch(/users: 2/)
  expect(next.exitCode).toBe(0)
})

test('shards and bail work as without Seedbed', async () => {
  const failing = `
    import { test } from '@seedbed/vitest'
    test('fails', async ({ db }) => { await db.query('select 1/0') })`
  await using project = await makeProject({ 'a.test.ts': counting, 'b.test.ts': counting, 'c.test.ts': counting })
  const outputs = await Promise.all([1, 2, 3].map(shard => project.vitest({ args: ['run', `--shard=${shard}/3`] })))
  expect(outputs.map(({ output }) => output.match(/users: 2/g)?.length)).toEqual([1, 1, 1])
  await project.write({ 'a.test.ts': failing, 'b.test.ts': failing, 'c.test.ts': failing })
  const { output, exitCode } = await project.vitest({ args: ['run', '--bail=1', '--maxWorkers=1', '--no-isolate'] })
  expect(exitCode).toBe(1)
  expect(output.match(/division by zero/g)!.length).toBeGreaterThan(0)
})

test('a config is found from the project’s folder, and its variables and extensions are there', async () => {
  await using project = await makeProject({
    'seedbed.config.ts': `
      import { defineConfig } from '@seedbed/core'
      export default defineConfig({
        migrations: './migrations',
        extensions: ['citext'],
        variables: ({ url, host, database }) => ({ POSTGRES_URL: url, DB: host + '|' + database }),
      })`,
    'a.test.ts': `
      import { test } from '@seedbed/vitest'
      import { expect } from 'vitest'
      test('config', async ({ db }) => {
        expect(process.env.POSTGRES_URL).toBe(process.env.DATABASE_URL)
        expect(process.env.DB).toBe(process.env.PGHOST + '|' + process.env.PGDATABASE)
        const { rows } = await db.query("select 'A'::citext = 'a' as same, current_user, usesuper from pg_user where usename = current_user")
        expect(rows[0]).toMatchObject({ same: true, usesuper: false })
      })`,
  })
  const { output, exitCode } = await project.vitest()
  expect(output).toMatch(/Tests {2}1 passed/)
  expect(exitCode).toBe(0)
})

test('a synchronous child is told why nobody answers, and with ownThread it is answered; users are further log-ins', async () => {
  const config = (ownThread: boolean) => `
    import { defineConfig } from '@seedbed/core'
    export default defineConfig({
      ownThread: ${ownThread},
      users: { jobs: {} },
      variables: ({ urlOf }) => ({ JOBS_DATABASE_URL: urlOf('jobs') }),
    })`
  await using project = await makeProject({
    'seedbed.config.ts': config(false),
    'a.test.ts': `
      import { execFileSync } from 'node:child_process'
      import { db } from '@seedbed/vitest'
      import { test } from 'vitest'
      const program = \`
        const client = new (require('pg').Client)(process.env.JOBS_DATABASE_URL)
        client.connect()
          .then(() => client.query("update users set name = 'of a child' where id = 1"))
          .then(({ rowCount }) => console.log(rowCount), error => console.log(error.message))
          .finally(() => client.end())\`
      test('asks a child', async () => {
        console.log('it says', execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' }))
        console.log('here', (await db.query('select name from users where id = 1')).rows)
      })`,
  })
  const blocked = await project.vitest()
  expect(blocked.output).toMatch(/it says a synchronous child process blocks the thread/)
  await project.write({ 'seedbed.config.ts': config(true) })
  const answered = await project.vitest()
  expect(answered.output).toMatch(/it says 1/)
  expect(answered.output).toMatch(/here \[ \{ name: 'of a child' \} \]/)
  expect([blocked.exitCode, answered.exitCode]).toEqual([0, 0])
})
