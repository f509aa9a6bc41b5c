import type { Client } from 'pg'
import { restoreSequences } from 'pg-template-db/sequences'
import { isSpoiled, markSpoiled, readFacts, type TemplateFacts } from '../run/worker-files.js'
import type { FailedRun, RunHandle } from '../run/run-handle.js'
import { readLabels } from '../seeds/read-labels.js'
import type { Seeds } from '../seeds/seed-types.js'
import { loadPg } from '../server/load-pg.js'
import { queryFunction, shortened, type Db, type Statement } from './db.js'
import { workerErrors } from './errors.js'
import { refuseWorker } from './refusals.js'
import { openedScopes, scopesOf, type Scope, type WorkerScopes } from './scopes.js'
import { transactionSession } from './transaction-session.js'

export interface Worker extends Pick<WorkerScopes, 'enter' | 'leave'> {
  /** The worker's own client, for whatever scope is innermost. */
  db: Db
  /** The labelled rows of the seeds. */
  seeds: Seeds
  /** The project's folder. */
  project: string
  /** A client for one test only: it refuses after the test; a concurrent test gets a session of its own. */
  dbOf(test: Scope): TestDb
  /** Ends the session. Only for a worker that outlives its run; a process that ends takes its session with it. */
  close(): Promise<void>
}

/** Not an AsyncDisposable: in a runner's vm contexts Symbol.asyncDispose does not exist on Node 20. */
export interface TestDb extends Db {
  /** Nothing runs after it; a session of its own is rolled back and closed. */
  end(): Promise<void>
}

const workerKey = Symbol.for('seedbed.worker')
type WithWorker = WorkerScopes & { [workerKey]?: Worker }

/**
 * `openScopes`, and with it the worker's client and labelled rows. It connects to nothing yet.
 *
 * @param slot the runner's number for this worker, from 1; no two that run at the same time have the same
 * @throws NO_WORKER_DATABASE, RUN_NOT_READY
 * @example
 * const worker = openWorker(run, 1)
 * await worker.enter({ id: '1', kind: 'file', name: 'users.test.ts' })
 */
export function openWorker(run: RunHandle | FailedRun, slot: number): Worker {
  if ('failure' in run || !run.workers[slot - 1]) refuseWorker(run, slot)
  return workerOf(scopesOf(run, slot))
}

/** The worker that this process is, if it is one. */
function openedWorker(): Worker | undefined {
  const scopes = openedScopes()
  return scopes && workerOf(scopes)
}

/** The same where it has to be one; throws DB_OUTSIDE_RUN, which names `what` was used. */
export function currentWorker(what: 'db' | 'seeds'): Worker {
  const current = openedWorker()
  if (!current) throw workerErrors.DB_OUTSIDE_RUN({ what })
  return current
}

/** One for the scopes, whoever asks: a runner may load this module more than once in a process. */
function workerOf(scopes: WithWorker): Worker {
  return (scopes[workerKey] ??= makeWorker(scopes))
}

function makeWorker(scopes: WorkerScopes): Worker {
  const { run: handle, slot, assigned, entered, concurrent } = scopes
  let ownSessions = 0
  let notedSessions = 0
  let facts: TemplateFacts | undefined
  let seeds: Seeds | undefined
  const readFactsOnce = () => (facts ??= readFacts(handle.folder))
  const where = () => describeScope(entered.at(-1))
  const openSession = (lockTimeoutMilliseconds?: number) =>
    transactionSession({
      url: assigned.url,
      where,
      onSpoiled: () => markSpoiled(handle.folder, slot),
      ...(lockTimeoutMilliseconds === undefined ? {} : { lockTimeoutMilliseconds }),
    })
  const session = openSession()
  // Those that were entered before anybody asked for the database; a statement waits for its turn behind them.
  for (const _ of entered) void session.enter()
  scopes.follower = {
    enter: () => session.enter(),
    leave: () => session.leave(),
    async endFile() {
      // Of a file with concurrent tests alone the worker's session knows nothing, and they have used the sequences too.
      await session.maintain(putSequencesBack, { evenIfUnused: ownSessions > 0 })
      const sessions = session.sessions() + ownSessions - notedSessions
      notedSessions += sessions
      return sessions
    },
  }

  function refuseSpoiled({ text }: Statement) {
    // Another process may have been this worker before, and have committed.
    if (!session.spoiled() && session.sessions() === 0 && isSpoiled(handle.folder, slot)) {
      const statement = shortened(text)
      throw workerErrors.TRANSACTION_ENDED({ database: assigned.database, statement, scope: 'an earlier file' })
    }
  }

  const run = async (statement: Statement) => {
    const [overlapping] = concurrent.values()
    if (overlapping) throw workerErrors.DB_CONCURRENT({ test: overlapping.name, statement: shortened(statement.text) })
    refuseSpoiled(statement)
    return session.run(statement)
  }

  /** A ROLLBACK does not put sequences back, so that the next file would get other ids. */
  const putSequencesBack = (client: Client) => restoreSequences(client, readFactsOnce().sequences)

  return {
    enter: scope => scopes.enter(scope),
    leave: scope => scopes.leave(scope),
    project: handle.project,
    db: { query: queryFunction(run) },
    get seeds() {
      return (seeds ??= readLabels(readFactsOnce().labels, loadPg().types.getTypeParser))
    },
    close: () => session.close(),
    dbOf(test) {
      let ended = false
      const own = test.concurrent ? openSession(concurrentLockTimeoutMilliseconds) : undefined
      void own?.enter()
      return {
        query: queryFunction(async statement => {
          if (ended) throw workerErrors.DB_AFTER_TEST({ test: test.name, statement: shortened(statement.text) })
          if (!own) return run(statement)
          refuseSpoiled(statement)
          return own.run(statement)
        }),
        async end() {
          ended = true
          await own?.leave()
          await own?.close()
          ownSessions += own?.sessions() ?? 0
        },
      }
    },
  }
}

/** Concurrent tests have transactions of their own, and one may wait for a row of another, or of the file's, for ever. */
const concurrentLockTimeoutMilliseconds = 4_000

function describeScope(scope: Scope | undefined): string {
  if (!scope) return 'no scope'
  return scope.kind === 'suite' ? `describe "${scope.name}"` : `${scope.kind} "${scope.name}"`
}
