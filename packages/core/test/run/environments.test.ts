import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditEntry } from '@seedbed/environments'
import { startPostgres } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { startRun } from '../../src/run/start-run.js'
import { useProject } from './support.js'

const project = useProject()

test('production beside the tests: refused until they cannot get in, then out of their reach, and never connected to', async () => {
  await using server = await startPostgres({ settings: { log_connections: 'on' } })
  await using administrator = await connected(server.url)
  for (const statement of [
    'create role live login',
    'create role tests login createdb',
    'create database shop owner live',
  ]) {
    await administrator.query(statement)
  }
  const live = server.urlFor({ user: 'live', database: 'shop' })
  await using owner = await connected(live)
  await owner.query('create table canary (id int); insert into canary select generate_series(1, 1000)')
  const socket = decodeURIComponent(new URL(server.url).hostname)

  process.env.TEST_DATABASE_URL = server.urlFor({ user: 'tests' })
  process.env.DATABASE_URL = live
  process.env.SHOP_DATABASE_URL = live.replace('postgresql:', 'postgres:')
  await project.write({
    'seedbed.config.json': JSON.stringify({
      environments: { production: { variable: 'DATABASE_URL' }, development: { parts: { prefix: 'DEV_' } } },
    }),
    // dotenv would load these later.
    '.env': `REPORTS_HOST=${socket}\nREPORTS_NAME=shop\nREPORTS_URL=postgresql+psycopg://live@localhost/shop\n`,
    'migrations/1.sql': 'create table users (id int primary key, name text)',
    'seeds/1.mjs': `export default { [Symbol.for('seedbed.seed')]: async ({ insert }) => {
      await insert('users', { id: 1, name: process.env.SHOP_DATABASE_URL })
    } }`,
  })
  const lines: string[] = []
  const start = () => startRun({ folder: project.folder, slots: 1, progress: line => lines.push(line) })

  await expect(start()).rejects.toThrow('REVOKE CONNECT ON DATABASE "shop" FROM PUBLIC')
  await administrator.query('revoke connect on database shop from public')
  {
    await using run = await start()
    const refusing = expect.stringContaining('production%20is%20refused') as string
    expect(run.handle.workers[0]!.variables).toMatchObject({
      SHOP_DATABASE_URL: refusing,
      REPORTS_URL: refusing,
      REPORTS_NAME: '/seedbed: production is refused here',
      DATABASE_URL: expect.stringMatching(/^postgresql:\/\/tests:.*@127\.0\.0\.1/) as string,
    })
    await using worker = await connected(run.handle.workers[0]!.url)
    const { rows } = await worker.query<{ name: string }>('select name from users')
    // A seed that looks for production finds what refuses.
    expect(rows).toEqual([{ name: refusing }])
  }
  const said = lines.find(line => line.startsWith('production is out of reach: in tests '))
  expect(said?.match(/\w+_\w+/g)?.toSorted()).toEqual([
    'DATABASE_URL',
    'REPORTS_HOST',
    'REPORTS_NAME',
    'REPORTS_URL',
    'SHOP_DATABASE_URL',
  ])
  const connections = (await server.log()).match(/connection authorized: .*database=shop\b/g)
  expect(connections, 'this test itself').toHaveLength(1)
  expect((await owner.query('select count(*)::int from canary')).rows).toEqual([{ count: 1000 }])

  const log = await readFile(join(project.folder, '.seedbed/audit.jsonl'), 'utf8')
  const entries = log
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as AuditEntry)
  const chosen = { environment: 'test', operation: 'select', decision: 'chosen', reason: expect.any(String) as string }
  expect(entries).toMatchObject([chosen, chosen])
  expect(entries[0]!.place).toMatch(/\/postgres$/)
})

test('a project that has nothing but tests gets no audit log', async () => {
  await project.write({ 'migrations/1.sql': 'create table users (id int)' })
  await (await startRun({ folder: project.folder, slots: 1 })).close()
  expect(existsSync(join(project.folder, '.seedbed'))).toBe(false)
})

async function connected(connectionString: string) {
  const client = new Client({ connectionString })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}
