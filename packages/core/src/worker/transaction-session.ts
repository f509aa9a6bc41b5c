import { randomBytes } from 'node:crypto'
import type { Client, QueryResult } from 'pg'
import { connectionParts } from '../run/connection-variables.js'
import { loadPg } from '../server/load-pg.js'
import { shortened, type Statement } from './db.js'
import { workerErrors } from './errors.js'
import { restorePoints } from './restore-points.js'
import { transactionControl } from './transaction-control.js'

/** One server session whose every statement stands in a transaction that is never committed. */
export interface TransactionSession {
  run(statement: Statement): Promise<QueryResult>
  enter(): Promise<void>
  leave(): Promise<void>
  /**
   * Runs outside of any scope, in a transaction of its own that commits: for what a ROLLBACK does not put back.
   *
   * @param options.evenIfUnused connects for it where no statement has; otherwise there is nothing to put back
   */
  maintain(run: (client: Client) => Promise<void>, options?: { evenIfUnused: boolean }): Promise<void>
  /** Sessions that this one has opened on the server; 0 before the first statement. */
  sessions(): number
  /** Whether a statement of a test has ended the transaction; nothing runs here any more. */
  spoiled(): boolean
  close(): Promise<void>
}

/** How long a statement that a test left running may go on when its scope ends, before it is cancelled. */
const stragglerMilliseconds = 1_000

export interface TransactionSessionOptions {
  url: string
  /** Names the scope that runs, for errors: `test "renames"`. */
  where(): string
  /** Called at once when something was committed that cannot be rolled back. */
  onSpoiled(): void
  /** A statement that waits longer than this for a lock fails. @default the server's own setting */
  lockTimeoutMilliseconds?: number
}

/**
 * Opens nothing yet: the first statement connects, so that a file which never asks for the database pays nothing, not
 * even the import of `pg`. Statements of several callers take their turn.
 */
export function transactionSession(options: TransactionSessionOptions): TransactionSession {
  const { url, where } = options
  const { database } = connectionParts(url)
  const name = `sb_${randomBytes(6).toString('hex')}`
  const guard = `${name}_q`
  const userTransaction = `${name}_u`
  const points = restorePoints(name)

  let client: Client | undefined
  let sessions = 0
  /** Why the session can run nothing more. */
  let lost: Error | undefined
  let spoiled: string | undefined
  /** Whether a savepoint named `guard` stands above the newest restore point. */
  let guarded = false
  /** Whether the test is in a transaction that it opened itself. */
  let inUserTransaction = false
  let turn: Promise<unknown> = Promise.resolve()
  let pending = 0

  function inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    pending += 1
    // Whoever finds nobody waiting need not wait either.
    const result = (pending === 1 ? run() : turn.then(run)).finally(() => (pending -= 1))
    turn = result.catch(() => {})
    return result
  }

  async function connect(): Promise<Client> {
    const pg = loadPg()
    // Pipelining lets the savepoint in front of a statement travel with it: no round trip of its own.
    const connecting = new pg.Client({ connectionString: url, application_name: 'seedbed worker', pipeline: true })
    connecting.on('error', error => (lost ??= error))
    sessions += 1
    try {
      await connecting.connect()
    } catch (error) {
      throw workerErrors.DATABASE_UNREACHABLE({ database, reason: (error as Error).message }, { cause: error })
    }
    // The runner decides when a worker ends; an idle connection must not keep it alive.
    ;(connecting as Client & { unref(): void }).unref()
    const { lockTimeoutMilliseconds: lockTimeout } = options
    await connecting.query(lockTimeout === undefined ? 'BEGIN' : `SET lock_timeout = ${lockTimeout}; BEGIN`)
    client = connecting
    lost = undefined
    return connecting
  }

  /** Sends what must go first together with the statement: a failure in front of it would fail the statement too. */
  async function send(open: Client, first: string | null, { config, values }: Statement): Promise<QueryResult> {
    const before = first === null ? undefined : open.query(first)
    const result = open.query(config as string, values as unknown[])
    try {
      // Both at once, so that neither's failure goes unheard.
      if (before) await Promise.all([before, result])
      return await result
    } catch (error) {
      await Promise.allSettled([before, result])
      // pg rejects when the error arrives, and the transaction's status comes after it: one empty query waits for both.
      await open.query('').catch(() => {})
      throw lost ? lostError(lost) : error
    }
  }

  const lostError = (reason: Error) =>
    workerErrors.SESSION_LOST({ database, reason: reason.message }, { cause: reason })
  const spoiledError = (statement: string) => workerErrors.TRANSACTION_ENDED({ database, statement, scope: where() })

  async function run(statement: Statement): Promise<QueryResult> {
    const { text } = statement
    if (spoiled !== undefined) throw spoiledError(spoiled)
    if (points.scopes() === 0) throw workerErrors.DB_OUTSIDE_FILE({ statement: shortened(text) })
    if (lost) throw lostError(lost)
    const open = client ?? (await connect())
    const control = transactionControl(text)
    if (control === 'unsupported') throw workerErrors.TRANSACTION_UNSUPPORTED({ statement: shortened(text) })
    if (control === 'savepoint' && !inUserTransaction) throw outsideTransaction(text)
    if (control !== null && control !== 'savepoint') return runControl(open, control)

    // A text that ends the transaction and opens another leaves the status as it was, but not the transaction's start.
    const mayEnd = mayEndTransaction(text)
    const start = mayEnd && open.getTransactionStatus() === 'T' ? await transactionStart(open) : undefined
    const hadWritten = points.written()
    const restorePoint = points.beforeStatement()
    const guardedBefore = guarded
    let first = restorePoint
    if (restorePoint !== null) guarded = false
    else if ((hadWritten || mayEnd) && !inUserTransaction) {
      first = guardedBefore ? `RELEASE SAVEPOINT ${guard}; SAVEPOINT ${guard}` : `SAVEPOINT ${guard}`
      guarded = true
    }
    try {
      const result = await send(open, first, statement)
      if (open.getTransactionStatus() === 'I') giveUp(text)
      if (start !== undefined && (await transactionStart(open)) !== start) giveUp(text)
      return result
    } catch (error) {
      if (spoiled !== undefined) throw error
      const status = open.getTransactionStatus()
      if (status === 'I') giveUp(text)
      // In a transaction of its own the test sees the failed state, as it would on a real connection.
      if (status === 'E' && !inUserTransaction && !lost) {
        await open.query(guarded ? `ROLLBACK TO SAVEPOINT ${guard}` : points.toNewest()).catch((gone: unknown) => {
          // No such savepoint: the text has ended the transaction that had it before it failed.
          if ((gone as { code?: string }).code === '3B001') giveUp(text)
          throw gone
        })
      }
      throw error
    }
  }

  /** A COMMIT that came in disguise: nothing can undo it, so nothing more may run in this database. */
  function giveUp(statement: string): never {
    spoiled = shortened(statement)
    options.onSpoiled()
    throw spoiledError(spoiled)
  }

  async function runControl(open: Client, control: 'begin' | 'commit' | 'rollback'): Promise<QueryResult> {
    if (control === 'begin') {
      // PostgreSQL only warns of a BEGIN inside a transaction, and of a COMMIT or ROLLBACK outside of one.
      if (inUserTransaction) return answer(open, 'BEGIN', 'select')
      const first = points.beforeStatement()
      if (first !== null) guarded = false
      const result = await answer(open, 'BEGIN', [first, `SAVEPOINT ${userTransaction}`].filter(Boolean).join('; '))
      inUserTransaction = true
      return result
    }
    if (!inUserTransaction) return answer(open, control === 'commit' ? 'COMMIT' : 'ROLLBACK', 'select')
    inUserTransaction = false
    const undo = `ROLLBACK TO SAVEPOINT ${userTransaction}; RELEASE SAVEPOINT ${userTransaction}`
    if (control === 'rollback' || open.getTransactionStatus() === 'E') return answer(open, 'ROLLBACK', undo)
    try {
      // What is deferred to COMMIT is checked now; rolling the check back leaves the constraints deferred as before.
      await open.query(
        `SAVEPOINT ${guard}_c; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO SAVEPOINT ${guard}_c; RELEASE SAVEPOINT ${userTransaction}`,
      )
    } catch (error) {
      await open.query(undo)
      throw error
    }
    return answer(open, 'COMMIT', 'select')
  }

  async function answer(open: Client, command: string, sql: string): Promise<QueryResult> {
    const result = (await open.query(sql)) as QueryResult | QueryResult[]
    const last = Array.isArray(result) ? result.at(-1)! : result
    return Object.assign(last, { command, rowCount: null, rows: [], fields: [] })
  }

  async function leave(): Promise<void> {
    const undo = points.leave()
    inUserTransaction = false
    if (points.scopes() === 0 && lost) {
      // A new file starts on a new connection.
      client = lost = undefined
      return
    }
    if (undo === null || !client || lost || spoiled !== undefined) return
    guarded = false
    await client.query(undo).catch((error: Error) => {
      if (!lost) throw error
    })
  }

  /** A statement that the test did not wait for gets a moment to end by itself; then it is cancelled. */
  async function endStragglers(): Promise<void> {
    if (pending === 0) return
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<'late'>(
      resolve => (timer = realSetTimeout(() => resolve('late'), stragglerMilliseconds)),
    )
    const outcome = await Promise.race([turn, patience])
    clearTimeout(timer)
    if (outcome !== 'late' || !client) return
    const pg = loadPg()
    const canceller = new pg.Client({ connectionString: url, application_name: 'seedbed worker' })
    sessions += 1
    await canceller.connect()
    await canceller.query('select pg_cancel_backend($1)', [(client as Client & { processID: number }).processID])
    await canceller.end()
    await turn
  }

  return {
    run: statement => inTurn(() => run(statement)),
    enter: () => inTurn(async () => points.enter()),
    async leave() {
      await endStragglers()
      await inTurn(leave)
    },
    maintain: (work, { evenIfUnused } = { evenIfUnused: false }) =>
      inTurn(async () => {
        if (lost || spoiled !== undefined || !(client || evenIfUnused)) return
        const open = client ?? (await connect())
        // Not one after the other: in a pipeline all of it is one round trip.
        await Promise.all([open.query('ROLLBACK'), work(open), open.query('BEGIN')])
      }),
    sessions: () => sessions,
    spoiled: () => spoiled !== undefined,
    close: () => inTurn(async () => client?.end()),
  }
}

/** Whether a text of several statements names one that ends a transaction; PL/pgSQL's END is taken for one as well. */
function mayEndTransaction(text: string): boolean {
  return /;\s*\S/.test(text) && /\b(commit|end|rollback|abort|prepare\s+transaction)\b/i.test(text)
}

/** The same as long as the transaction is, and no other's: `now()` (manual, section 9.9.5). */
async function transactionStart(open: Client): Promise<string> {
  const { rows } = await open.query<[string]>({
    text: 'select extract(epoch from pg_catalog.now())::pg_catalog.text',
    rowMode: 'array',
  })
  return rows[0]![0]
}

/** What the server answers on a connection that is in no transaction, as the code under test believes to be. */
function outsideTransaction(text: string): Error {
  const command = /^\W*(savepoint|release|rollback|abort)/i.exec(text)?.[1]?.toUpperCase() ?? 'SAVEPOINT'
  const name = command === 'RELEASE' ? 'RELEASE SAVEPOINT' : command === 'SAVEPOINT' ? command : 'ROLLBACK TO SAVEPOINT'
  return Object.assign(new Error(`${name} can only be used in transaction blocks`), {
    code: '25P01',
    severity: 'ERROR',
  })
}

// Taken before a test can put fake timers in its place.
const realSetTimeout = setTimeout
