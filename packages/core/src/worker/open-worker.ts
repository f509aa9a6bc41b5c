import { createRequire } from 'node:module'
import type { Client } from 'pg'
import { printableUrl } from '../server/database-url.js'
import { applyVariables } from '../run/connection-variables.js'
import { appendNote, isSpoiled, markSpoiled, readFacts, type FileNote, type TemplateFacts } from '../run/run-folder.js'
import type { FailedRun, RunHandle } from '../run/run-handle.js'
import { readLabels } from '../seeds/read-labels.js'
import type { Seeds } from '../seeds/seed-types.js'
import { queryFunction, shortened, type Db, type Statement } from './db.js'
import { workerErrors } from './errors.js'
import { transactionSession } from './transaction-session.js'

/** A part of a file that starts and ends: what is written in it is gone when it ends. */
export interface Scope {
  /** The same at enter and leave, and no other scope's. */
  id: string
  kind: 'file' | 'suite' | 'test'
  /** For messages: a path, or the name of a describe or test. */
  name: string
  /** Whether others may run at the same time; such a scope shares the worker's transaction with nobody. */
  concurrent?: boolean
}

export interface Worker {
  /** Throws CONNECTION_CHANGED if a test starts while DATABASE_URL or a PG* variable is not what Seedbed has set. */
  enter(scope: Scope): Promise<void>
  /** Ends the scope and any that were left open inside it. A scope that was never entered is none. */
  leave(scope: Scope): Promise<void>
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
type Holder = typeof globalThis & { [workerKey]?: { worker: Worker; run: string; slot: number } }

/**
 * Makes this process (or thread) a worker of the run: sets ENVIRONMENT, DATABASE_URL, PG* and the configured variables,
 * and connects to nothing yet. Called again for the next file it answers with the same worker.
 *
 * @param slot the runner's number for this worker, from 1; no two that run at the same time have the same
 * @throws NO_WORKER_DATABASE, RUN_NOT_READY
 * @example
 * const worker = openWorker(run, Number(process.env.VITEST_POOL_ID))
 * await worker.enter({ id: '1', kind: 'file', name: 'users.test.ts' })
 */
export function openWorker(run: RunHandle | FailedRun, slot: number): Worker {
  if ('failure' in run) throw workerErrors.RUN_NOT_READY({ reason: run.failure })
  const assigned = run.workers[slot - 1]
  if (!assigned) throw workerErrors.NO_WORKER_DATABASE({ slot, count: run.workers.length })
  applyVariables(process.env, assigned.variables)
  const holder: Holder = globalThis
  if (holder[workerKey]?.run !== run.id || holder[workerKey].slot !== slot) {
    holder[workerKey] = { run: run.id, slot, worker: makeWorker(run, slot, assigned) }
  }
  return holder[workerKey].worker
}

/** The worker that this process is, if it is one. */
export function openedWorker(): Worker | undefined {
  return (globalThis as Holder)[workerKey]?.worker
}

/** The same where it has to be one; throws DB_OUTSIDE_RUN, which names `what` was used. */
export function currentWorker(what: 'db' | 'seeds'): Worker {
  const current = openedWorker()
  if (!current) throw workerErrors.DB_OUTSIDE_RUN({ what })
  return current
}

function makeWorker(handle: RunHandle, slot: number, assigned: RunHandle['workers'][number]): Worker {
  const scopes: Scope[] = []
  const concurrent = new Map<string, Scope>()
  /** Since the last note. */
  const costs: FileNote['tests'] = []
  let ownSessions = 0
  let notedSessions = 0
  let facts: TemplateFacts | undefined
  let seeds: Seeds | undefined
  const readFactsOnce = () => (facts ??= readFacts(handle.folder))
  const where = () => describeScope(scopes.at(-1))
  const openSession = (lockTimeoutMilliseconds?: number) =>
    transactionSession({
      url: assigned.url,
      where,
      onSpoiled: () => markSpoiled(handle.folder, slot),
      ...(lockTimeoutMilliseconds === undefined ? {} : { lockTimeoutMilliseconds }),
    })
  const session = openSession()

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

  async function leaveInnermost() {
    const scope = scopes.pop()
    await session.leave()
    if (scope?.kind !== 'file') return
    await session.maintain(putSequencesBack)
    const sessions = session.sessions() + ownSessions
    appendNote(handle.folder, slot, { file: scope.name, sessions: sessions - notedSessions, tests: costs.splice(0) })
    notedSessions = sessions
  }

  /** A ROLLBACK does not put sequences back, so that the next file would get other ids. */
  async function putSequencesBack(client: Client) {
    const { restoreSequences } = await import('pg-template-db')
    await restoreSequences(client, readFactsOnce().sequences)
  }

  async function timed<Result>(scope: Scope, work: () => Promise<Result>): Promise<Result> {
    if (scope.kind !== 'test') return work()
    const start = now()
    try {
      return await work()
    } finally {
      spent.set(scope.id, (spent.get(scope.id) ?? 0) + (now() - start))
    }
  }
  const spent = new Map<string, number>()

  return {
    enter: scope =>
      timed(scope, async () => {
        if (scope.kind === 'test') refuseChangedVariables(assigned.variables)
        if (scope.concurrent) {
          concurrent.set(scope.id, scope)
          return
        }
        // What the runner did not end, a test skipped half-way or a file that failed early, ends where the next starts.
        if (scope.kind === 'file') while (scopes.length > 0) await leaveInnermost()
        if (scope.kind === 'test') while (scopes.at(-1)?.kind === 'test') await leaveInnermost()
        await session.enter()
        scopes.push(scope)
      }),
    async leave(scope) {
      await timed(scope, async () => {
        if (concurrent.delete(scope.id)) return
        while (scopes.some(({ id }) => id === scope.id)) await leaveInnermost()
      })
      const cost = spent.get(scope.id)
      if (cost !== undefined) costs.push({ name: scope.name, microseconds: Math.round(cost * 1_000) })
      spent.delete(scope.id)
    },
    project: handle.project,
    db: { query: queryFunction(run) },
    get seeds() {
      const { types } = createRequire(import.meta.url)('pg') as typeof import('pg')
      return (seeds ??= readLabels(readFactsOnce().labels, types.getTypeParser))
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

// Taken before a test can put a fake clock in its place.
const now = performance.now.bind(performance)

function describeScope(scope: Scope | undefined): string {
  if (!scope) return 'no scope'
  return scope.kind === 'suite' ? `describe "${scope.name}"` : `${scope.kind} "${scope.name}"`
}

function refuseChangedVariables(variables: RunHandle['workers'][number]['variables']): void {
  for (const [name, value] of Object.entries(variables)) {
    // A test may well set NODE_ENV or the application's own variables; these decide where it connects.
    if (name !== 'DATABASE_URL' && !name.startsWith('PG')) continue
    const found = process.env[name]
    if (found === (value ?? undefined)) continue
    throw workerErrors.CONNECTION_CHANGED({ variable: name, value: describeValue(name, found) })
  }
}

function describeValue(name: string, value: string | undefined): string {
  if (value === undefined) return 'unset'
  if (/pass|secret|key/i.test(name)) return 'something else'
  return URL.canParse(value) ? printableUrl(value) : JSON.stringify(value)
}
