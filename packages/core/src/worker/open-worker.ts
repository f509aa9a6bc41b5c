import type { Sandbox } from 'pg-sandbox'
import type { Client, ClientConfig } from 'pg'
import type { FailedRun, RunHandle } from '../run/run-handle.js'
import { readFacts } from '../run/worker-files.js'
import { readLabels } from '../seeds/read-labels.js'
import type { Seeds } from '../seeds/seed-types.js'
import { loadPg } from '../server/load-pg.js'
import { sandboxClient, shortened, type Db, type SandboxClient } from './db.js'
import { workerErrors } from './errors.js'
import { describeScope } from './footprint-lines.js'
import { openedScopes, openScopes, type ConcurrentScope, type Scope, type WorkerScopes } from './scopes.js'

export interface Worker extends Pick<WorkerScopes, 'enter' | 'leave' | 'close'> {
  /** The worker's own client, for whatever scope is innermost. */
  db: Db
  /** The labelled rows of the seeds. */
  seeds: Seeds
  /** A client for one test only: it refuses after the test; a concurrent test gets a sandbox of its own. */
  dbOf(test: Scope): TestDb
  /** The same, for a fixture: it refuses once `use` has ended. */
  lendDb(test: Scope, use: (db: Db) => Promise<void>): Promise<void>
}

/** Not a Disposable: in a runner's vm contexts Symbol.dispose does not exist on Node 20. */
export interface TestDb extends Db {
  /** Nothing runs after it. */
  end(): void
}

const workerKey = Symbol.for('seedbed.worker')
type WithWorker = WorkerScopes & { [workerKey]?: Worker }

/**
 * `openScopes`, and with it the worker's client and labelled rows. It connects to nothing yet.
 *
 * @param slot the runner's number for this worker, from 1; no two that run at the same time have the same
 * @throws NO_WORKER_DATABASE, RUN_NOT_READY
 * @example
 * const worker = await openWorker(run, 1)
 * await worker.enter({ id: '1', kind: 'file', name: 'users.test.ts' })
 */
export async function openWorker(run: RunHandle | FailedRun, slot: number): Promise<Worker> {
  return workerOf(await openScopes(run, slot))
}

/** The worker that this process is; throws DB_OUTSIDE_RUN, which names `what` was used, where it is none. */
export function currentWorker(what: 'db' | 'seeds'): Worker {
  const scopes = openedScopes()
  if (!scopes) throw workerErrors.DB_OUTSIDE_RUN({ what })
  return workerOf(scopes)
}

/** One for the scopes, whoever asks: a runner may load this module more than once in a process. */
function workerOf(scopes: WithWorker): Worker {
  return (scopes[workerKey] ??= makeWorker(scopes))
}

function makeWorker(scopes: WorkerScopes): Worker {
  const { run, entered, concurrent } = scopes
  let seeds: Seeds | undefined
  const client = sandboxClient({
    make: async () => clientOf((await scopes.inSandbox()).sandbox),
    where: () => describeScope(entered.at(-1)),
  })
  scopes.client = client

  function checkShared(statement: string): void {
    const [overlapping, another] = concurrent.values()
    // A sequential test of a concurrent describe runs alone in it.
    const isAlone = overlapping?.kind === 'suite' && !another && entered.at(-1)?.kind === 'test'
    if (overlapping && !isAlone) {
      throw workerErrors.DB_CONCURRENT({ running: describeScope(overlapping), statement: shortened(statement) })
    }
    if (entered.length === 0) throw workerErrors.DB_OUTSIDE_FILE({ statement: shortened(statement) })
  }

  const worker: Worker = {
    enter: scope => scopes.enter(scope),
    leave: scope => scopes.leave(scope),
    close: () => scopes.close(),
    db: client.dbUnder(checkShared),
    get seeds() {
      return (seeds ??= readLabels(readFacts(run.folder).labels, loadPg().types.getTypeParser))
    },
    dbOf(test) {
      const own = concurrent.get(test.id)
      let ended = false
      const { query } = (own ? clientOfItsOwn(own, scopes) : client).dbUnder(statement => {
        if (ended) throw workerErrors.DB_AFTER_TEST({ scope: describeScope(test), statement: shortened(statement) })
        if (!own) checkShared(statement)
      })
      return { query, end: () => void (ended = true) }
    },
    async lendDb(test, use) {
      const db = worker.dbOf(test)
      await use(db)
      db.end()
    },
  }
  return worker
}

/** Tests that run at the same time cannot share a transaction. */
function clientOfItsOwn(test: ConcurrentScope, { inSandbox }: WorkerScopes): SandboxClient {
  const client = sandboxClient({
    async make() {
      const { openOwn } = await inSandbox()
      return clientOf(await openOwn(test), { lock_timeout: concurrentLockTimeoutMilliseconds })
    },
    where: () => describeScope(test),
  })
  test.client = client
  return client
}

/** Concurrent tests have transactions of their own, and one may wait for a row of another, or of the file's, for ever. */
const concurrentLockTimeoutMilliseconds = 4_000

/** What a test SETs on it goes with the test. */
function clientOf({ url }: Sandbox, more: ClientConfig = {}): Client {
  const pg = loadPg()
  return new pg.Client({ connectionString: url, options: '-c pg_sandbox.settings=scope', ...more })
}
