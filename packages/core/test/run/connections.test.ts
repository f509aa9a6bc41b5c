import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startRun, type Run } from '../../src/run/start-run.js'
import { withDatabase } from '../../src/server/database-url.js'
import { openWorker } from '../../src/worker/open-worker.js'
import { query } from '../server/support.js'
import { startShard } from './shard.js'
import { useProject } from './support.js'

const project = useProject()
let server: PostgresForTests
let url: string
beforeEach(async () => {
  await project.write({
    'migrations/1.sql': 'create table users (id int generated always as identity primary key, name text)',
    'seeds/users.json': '{ "users": [{ "name": "Ada" }] }',
  })
})
afterEach(() => server.stop())

async function start(limits: { max_connections?: number; ofRole?: number; version?: 15 | 18 }) {
  const { max_connections = 100, ofRole = -1, version = 18 } = limits
  server = await startPostgres({ version, settings: { max_connections: String(max_connections) } })
  await query(server.url, `create role tester login createdb password 'x' connection limit ${ofRole}`)
  // With the port, which in a worker is not that of PGPORT.
  url = withDatabase(server.urlFor({ user: 'tester', password: 'x' }), 'postgres')
  process.env.TEST_DATABASE_URL = url
}

const run = (slots: number) => startRun({ folder: project.folder, slots })

test('thirty-two workers on one server, with the thirty-four connections that they are said to need', async () => {
  await start({ ofRole: 34 })
  for (const databases of [
    { cloned: 32, recycled: 0 },
    { cloned: 0, recycled: 32 },
  ]) {
    const shard = startShard(project.folder, { url, slots: 32 })
    for (const [index, name] of ['first file', 'second file'].entries()) {
      expect((await shard.event(name)).seen).toEqual(shard.ownRows(index + 1))
      shard.goOn()
    }
    expect(await shard.event('closed')).toMatchObject({ databases, dropped: [] })
  }
}, 120_000)

describe('a run that can never have enough is refused before it begins', () => {
  test("by the role's limit", async () => {
    await start({ ofRole: 5 })
    await expect(run(4)).rejects.toMatchObject({
      code: 'SERVER_NO_CONNECTION',
      message: expect.stringContaining('the role tester may have 5 (CONNECTION LIMIT)') as string,
      hint: expect.stringMatching(
        /^This run needs 6: one for each worker \(4\), and two of its own; .* ALTER ROLE "tester" CONNECTION LIMIT 6, .*maxWorkers/,
      ) as string,
    })
    expect(await query(server.url, `select from pg_database where datname = 'seedbed_registry'`)).toEqual([])
    await (await run(3)).close()
  })

  test.each([15, 18] as const)('by max_connections of PostgreSQL %i, less what is reserved', async version => {
    await start({ max_connections: 10, version })
    await expect(run(6)).rejects.toMatchObject({
      code: 'SERVER_NO_CONNECTION',
      message: expect.stringContaining('its max_connections leaves 7 to the role tester') as string,
    })
    await (await run(5)).close()
  })
})

describe('a limit that is met because of others', () => {
  test.each([
    { limits: { ofRole: 6 }, reason: 'too many connections for role "tester"' },
    { limits: { max_connections: 9 }, reason: 'remaining connection slots are reserved for roles with the SUPERUSER' },
  ])('$reason: at the start, in the middle of it and at a first connection of a worker', async ({ limits, reason }) => {
    await start(limits)
    const refused = {
      code: 'SERVER_NO_CONNECTION',
      message: expect.stringContaining(reason) as string,
      hint: expect.stringContaining('This run needs 5: one for each worker (3), and two of its own') as string,
    }
    await expect(others(6, () => run(3))).rejects.toMatchObject(refused)
    await expect(others(5, () => run(3))).rejects.toMatchObject(refused)

    const started: Run = await run(3)
    const worker = await openWorker(started.handle, 1)
    const file = { id: '1', kind: 'file' as const, name: 'a.test.ts' }
    await worker.enter(file)
    await others(5, async () => {
      const client = new Client(process.env.DATABASE_URL)
      client.on('error', () => {})
      const error = (await client.connect().catch((error: unknown) => error)) as Error
      expect(error.message).toContain(reason)
      expect(error.message).toContain('This run needs 5: one for each worker (3), and two of its own')
    })
    // When they are gone, it goes on.
    expect(await worker.db.query('select name from users')).toMatchObject({ rows: [{ name: 'Ada' }] })
    await worker.leave(file)
    await worker.close()
    expect(await started.close()).toMatchObject({ dropped: [] })
  })
})

/** While other programs of the role hold so many sessions. */
async function others<Result>(count: number, work: () => Promise<Result>): Promise<Result> {
  const clients = Array.from({ length: count }, () => new Client(url))
  try {
    for (const client of clients) await client.connect()
    return await work()
  } finally {
    await Promise.all(clients.map(client => client.end()))
  }
}
