import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startPostgres, type PostgresForTests, type PostgresMajor } from '@seedbed/postgres-for-tests'
import { describe, expect, test } from 'vitest'
import { startRun } from '../../src/run/start-run.js'
import { openWorker, type Worker } from '../../src/worker/open-worker.js'
import { until } from '../server/support.js'
import { useProject } from './support.js'

const project = useProject()
const seeded = { 'seeds/visits.json': '{ "visits": [{}, {}] }' }
const visits = async (worker: Worker) => (await worker.db.query('select from visits')).rowCount

/** Enters a file and a test of it, and does something there. */
async function inTest<Result>(worker: Worker, work: () => Promise<Result>): Promise<Result> {
  await worker.enter({ id: 'file', kind: 'file', name: 'a.test.ts' })
  try {
    await worker.enter({ id: 'test', kind: 'test', name: 'a test' })
    return await work()
  } finally {
    await worker.leave({ id: 'test', kind: 'test', name: 'a test' })
    await worker.leave({ id: 'file', kind: 'file', name: 'a.test.ts' })
  }
}

/** At first the server may not be back, or its end be noticed only by the statement that meets it; but no test runs. */
async function refuses(worker: Worker): Promise<void> {
  await until(async () => {
    const error: Error = await inTest(worker, () => visits(worker)).then(
      () => expect.fail('a test has run'),
      error => error,
    )
    return error.message.includes('The server has crashed since this run began') || undefined
  })
}

const crashes: Record<string, (server: PostgresForTests) => Promise<void>> = {
  'the whole server': server => server.crashAndRestart(),
  'one session of it': async server => {
    await until(async () => (await server.log()).includes('ready to accept connections') || undefined)
    const started = (await server.log()).split('ready to accept connections').length
    const main = Number(readFileSync(join(server.folder, 'data/postmaster.pid'), 'utf8').split('\n')[0])
    const victim = readFileSync(`/proc/${main}/task/${main}/children`, 'utf8').trim().split(' ').at(-1)
    process.kill(Number(victim), 'SIGKILL')
    await until(async () => (await server.log()).split('ready to accept connections').length > started || undefined)
  },
}

describe.each([15, 16, 17, 18] as PostgresMajor[])('PostgreSQL %i', version => {
  test.runIf(process.platform === 'linux').each(Object.entries(crashes))(
    'a crash of %s empties unlogged tables: no test starts on them, and the next run has all rows',
    async (_, crash) => {
      await using server = await startPostgres({ version })
      process.env.TEST_DATABASE_URL = server.url
      await project.write({
        ...seeded,
        'migrations/1.sql': 'create unlogged table visits (id int generated always as identity)',
      })
      const run = await startRun({ folder: project.folder, slots: 1 })
      const worker = await openWorker(run.handle, 1)
      expect(await inTest(worker, () => visits(worker))).toBe(2)
      await crash(server)
      // By the worker that was there before, and by one that connects for the first time.
      await refuses(worker)
      await worker.close()
      const another = await openWorker({ ...run.handle, id: 'another' }, 1)
      await refuses(another)
      await another.close()
      expect(await run.close()).toMatchObject({ serverWasAway: true })

      const next = await startRun({ folder: project.folder, slots: 1 })
      const fresh = await openWorker(next.handle, 1)
      expect(await inTest(fresh, () => visits(fresh))).toBe(2)
      await fresh.close()
      await next.close()
    },
  )
})

test('an orderly restart, or a crash where no table is unlogged, stops no test', async () => {
  await using server = await startPostgres()
  process.env.TEST_DATABASE_URL = server.url
  await project.write({ ...seeded, 'migrations/1.sql': 'create table visits (id int generated always as identity)' })
  const run = await startRun({ folder: project.folder, slots: 1 })
  const worker = await openWorker(run.handle, 1)
  expect(await inTest(worker, () => visits(worker))).toBe(2)
  await server.crashAndRestart()
  expect(await inTest(worker, () => visits(worker))).toBe(2)
  await worker.close()
  await run.close()
})
