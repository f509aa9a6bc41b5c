import { join } from 'node:path'
import { startPostgres } from '@seedbed/postgres-for-tests'
import { leftOnServer } from '@seedbed/postgres-for-tests/left-on-server'
import { Client } from 'pg'
import { expect, test, vi } from 'vitest'
import { writeFiles } from '../migrations/project.js'
import { testHome, until } from '../server/support.js'
import { startRun } from '../../src/run/start-run.js'
import { startShard } from './shard.js'
import { restoreEnvironmentAfterEach } from './support.js'

restoreEnvironmentAfterEach()

test('six shards on one server, two of them killed: all others pass, one template is built, nothing is left', async () => {
  await using server = await startPostgres({ version: 15 })
  await using administrator = await connected(server.url)
  await administrator.query("create role tester login createdb password 'x'")
  const url = server.urlFor({ user: 'tester', password: 'x' })
  await using place = await testHome()
  // Each has a machine of its own in a CI, and so a folder.
  const shards = await Promise.all(
    [1, 2, 3, 4, 5, 6].map(async number => {
      const folder = join(place.folder, `machine-${number}`)
      await writeFiles(folder, files)
      return startShard(folder, { url, slots: 2 })
    }),
  )

  // One builds and hangs half-way, the others wait for it.
  const builder = await Promise.race(shards.map(shard => shard.progress(/^building the template/).then(() => shard)))
  const others = shards.filter(shard => shard !== builder)
  await Promise.all(others.map(shard => shard.progress(new RegExp(`^waiting for process ${builder.pid} on `))))
  const [halfBuilt] = await hanging(administrator, 1)
  await builder.kill()

  // Another one takes its place, with a database of its own.
  const next = await Promise.race(others.map(shard => shard.progress(/^building the template/).then(() => shard)))
  const waiting = others.filter(shard => shard !== next)
  await until(async () => (await hanging(administrator, 1)).find(database => database !== halfBuilt))
  await administrator.query('create role go_on')

  for (const shard of others) expect((await shard.event('first file')).seen).toEqual(shard.ownRows(1))
  expect(await databasesLike(administrator, 'template!_%')).toHaveLength(1)

  // One ends early, and one dies with its databases in use: neither drops what the rest uses.
  const [early, dying, ...rest] = [waiting[0]!, waiting[1]!, ...waiting.slice(2), next]
  early.goOn()
  await early.event('second file')
  early.goOn()
  expect(await early.event('closed')).toMatchObject({ templateBuilt: null, databases: { cloned: 2 }, dropped: [] })
  await dying.kill()
  for (const shard of rest) shard.goOn()
  for (const shard of rest) expect((await shard.event('second file')).seen).toEqual(shard.ownRows(2))
  for (const shard of rest) shard.goOn()
  const reports = await Promise.all(rest.map(shard => shard.event('closed')))
  expect(reports.filter(({ templateBuilt }) => templateBuilt !== null)).toHaveLength(1)
  for (const report of reports) expect(report).toMatchObject({ dropped: [] })

  // The next run finds the template, databases to recycle and no trace of the dead.
  process.env.TEST_DATABASE_URL = url
  const run = await startRun({ folder: join(place.folder, 'machine-1'), slots: 2 })
  expect(await run.close()).toMatchObject({ templateBuilt: null, databases: { cloned: 0, recycled: 2 }, dropped: [] })
  await using registry = await connected(server.urlFor({ database: 'seedbed_registry' }))
  await vi.waitFor(async () => expect(await leftOnServer(administrator, registry)).toEqual([]), { timeout: 10_000 })
  expect(await databasesLike(administrator, 'template!_%')).toHaveLength(1)
}, 120_000)

// Roles are what every database of a server sees.
const files = {
  'package.json': '{}',
  'migrations/1.sql': 'create table users (id int generated always as identity primary key, name text)',
  'migrations/2.sql': `
    do $$ begin
      while not exists (select from pg_roles where rolname = 'go_on') loop perform pg_sleep(0.01); end loop;
    end $$`,
  'seeds/users.json': '{ "users": [{ "name": "Ada" }] }',
}

/** The databases in which a migration waits for the role, as soon as there are some. */
function hanging(administrator: Client, atLeast: number): Promise<string[]> {
  return until(async () => {
    const { rows } = await administrator.query<{ datname: string }>(
      `select datname from pg_stat_activity where wait_event = 'PgSleep'`,
    )
    return rows.length >= atLeast ? rows.map(({ datname }) => datname) : undefined
  })
}

async function databasesLike(administrator: Client, pattern: string): Promise<unknown[]> {
  return (await administrator.query(`select from pg_database where datname like $1 escape '!'`, [pattern])).rows
}

async function connected(url: string): Promise<Client & AsyncDisposable> {
  const client = new Client(url)
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}
