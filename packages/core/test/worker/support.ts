import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { connectionVariables } from '../../src/run/connection-variables.js'
import type { RunHandle } from '../../src/run/run-handle.js'
import { sandboxUrl } from '../../src/run/worker-address.js'
import { writeFacts } from '../../src/run/worker-files.js'
import { withDatabase } from '../../src/server/database-url.js'
import { db } from '../../src/worker/current.js'
import { openWorker, type Worker } from '../../src/worker/open-worker.js'
import { openedScopes, type Scope } from '../../src/worker/scopes.js'
import { restoreEnvironmentAfterEach } from '../run/support.js'
import { query } from '../server/support.js'

/** A server for a test file, and for each test a run that this process can be the one worker of. */
export interface PlaceOfRun {
  run: RunHandle
  /** The bodies of the notes that are in the database for good. */
  committed(): Promise<string[]>
}

export interface PlaceOfWorker extends PlaceOfRun {
  worker: Worker
  /** What it has said so far. */
  printed: string[]
}

/** Prepares no more of a run than a worker needs: a database with two tables, and the file that it reads. */
export function useRun(): PlaceOfRun {
  restoreEnvironmentAfterEach()
  const place = {} as PlaceOfRun
  let server: PostgresForTests
  let url: string
  beforeAll(async () => {
    server = await startPostgres()
    url = withDatabase(server.url, 'postgres')
    await query(
      url,
      `create table note (id int generated always as identity primary key, body text unique not null);
       create table pair (id int primary key, other int references pair deferrable initially deferred)`,
    )
  })
  afterAll(() => server.stop())
  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'seedbed-worker-test-'))
    const password = 'unguessable'
    place.run = {
      id: randomUUID(),
      project: folder,
      folder,
      isolation: 'transaction',
      sequences: 'file',
      sandbox: { whenFull: '' },
      main: { pid: process.pid, port: 1, password },
      keep: false,
      workers: [
        { database: 'postgres', url, password, variables: connectionVariables(sandboxUrl({ url, password }), {}) },
      ],
    }
    writeFacts(folder, {
      labels: { tables: {} },
      sequences: [{ schema: 'public', name: 'note_id_seq', lastValue: '1', isCalled: false }],
    })
  })
  afterEach(async () => {
    await openedScopes()?.close()
    await rm(place.run.folder, { recursive: true })
    await query(url, 'delete from note')
  })
  place.committed = async () => bodiesOf(await query(url, selectBodies))
  return place
}

/** The same, and this process is its worker. */
export function useWorker(): PlaceOfWorker {
  const place = useRun() as PlaceOfWorker
  beforeEach(async () => {
    place.worker = await openWorker(place.run, 1)
    place.printed = []
    openedScopes()!.print = line => place.printed.push(line)
  })
  return place
}

const selectBodies = 'select body from note order by body'
const bodiesOf = (rows: { body: string }[]) => rows.map(({ body }) => body)

/** Of the notes that whatever scope is running sees. */
export const bodies = async (): Promise<string[]> => bodiesOf((await db.query(selectBodies)).rows)
export const write = (body: string) => db.query('insert into note (body) values ($1)', [body])

export const aFile = (name: string): Scope => ({ id: name, kind: 'file', name })
export const file = aFile('a.test.ts')
export const aSuite = (name: string): Scope => ({ id: name, kind: 'suite', name })
export const aTest = (name: string): Scope => ({ id: name, kind: 'test', name })
export const aConcurrentTest = (name: string): Scope => ({ ...aTest(name), concurrent: true })

/** As a runner tells of a scope, whether its work succeeds or throws. */
export async function within(scope: Scope, work: () => Promise<unknown>): Promise<void> {
  const scopes = openedScopes()!
  await scopes.enter(scope)
  try {
    await work()
  } finally {
    await scopes.leave(scope)
  }
}
