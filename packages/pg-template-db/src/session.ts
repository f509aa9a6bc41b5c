import { hostname } from 'node:os'
import { Client, escapeLiteral, type QueryResult } from 'pg'
import { errors, reasonOf, sqlState } from './errors.js'

/**
 * One session of the server. Statements that are sent at the same time wait for one another. While it has none to run it does
 * not keep the process alive: a lease ends with its process.
 */
export interface Session {
  /** One statement with parameters; its rows. */
  query<Row = unknown>(text: string, values?: unknown[]): Promise<Row[]>
  /** Several statements in one round trip and one transaction, without parameters; the rows of each. */
  batch(...statements: string[]): Promise<unknown[][]>
  /** Whether a pooler stands between: it keeps a session of the server when its client has gone. */
  readonly pooled: boolean
  /** Why the session is no more, or undefined while it lives. */
  lost(): Error | undefined
  /** Resolves when the server's process is gone, and with it its locks and its line in pg_stat_activity. */
  close(): Promise<void>
}

/**
 * Opens a session in a database of the URL's server (by default the URL's own), with the URL's role. Whatever time limits the role, the
 * database or the URL set are off in it: it waits and holds locks for as long as it takes. The server looks every
 * second whether the client is still there, and a vanished host is noticed within about a minute.
 *
 * @throws TemplateError CONNECTION_FAILED, with PostgreSQL's or Node's error as `cause`
 */
export async function openSession(url: string, database?: string): Promise<Session> {
  const client = new Client({
    connectionString: database === undefined ? url : withDatabase(url, database),
    keepAlive: true,
    types: { getTypeParser: parserOf },
  })
  let lost: Error | undefined
  client.on('error', error => (lost ??= error))
  client.on('end', () => (lost ??= new Error('the connection was closed')))
  let pooled: boolean
  try {
    await client.connect()
    const [, self] = (await client.query(`${settings}; select pg_backend_pid() as pid`)) as unknown as QueryResult[]
    // A pooler tells each client of a process that there is not.
    pooled = (self!.rows[0] as { pid: number }).pid !== (client as Client & { processID: number }).processID
  } catch (cause) {
    client.end().catch(() => {})
    const details = {
      database: client.database ?? '',
      server: `${client.host}:${client.port}`,
      reason: reasonOf(cause),
    }
    throw errors.CONNECTION_FAILED(details, { cause })
  }

  // `pg` has deprecated its own queue of queries.
  let last: Promise<unknown> = Promise.resolve()
  let pending = 0
  // The types of `pg` do not name them.
  const socket = client as Client & { ref(): void; unref(): void }
  const inTurn = <Result>(send: () => Promise<Result>): Promise<Result> => {
    pending += 1
    socket.ref()
    const result = last.then(send).catch((error: Error) => {
      // admin_shutdown, crash_shutdown: the server says it before the connection is closed.
      if (sqlState(error)?.startsWith('57P0')) lost ??= error
      throw error
    })
    last = result.catch(() => {}).then(() => void (--pending === 0 && socket.unref()))
    return result
  }
  socket.unref()
  return {
    query: <Row>(text: string, values?: unknown[]) =>
      inTurn(async () => (await client.query(text, values)).rows as Row[]),
    batch: (...statements) =>
      inTurn(async () => {
        const results: QueryResult | QueryResult[] = await client.query(statements.join(';\n'))
        return (Array.isArray(results) ? results : [results]).map(result => result.rows)
      }),
    pooled,
    lost: () => lost,
    async close() {
      const isIdle = pending === 0
      // For good.
      pending += 1
      socket.ref()
      if (pooled && isIdle && !lost) {
        const gone = new Promise(resolve => client.once('end', resolve))
        client.query('select pg_terminate_backend(pg_backend_pid())').catch(() => {})
        await gone
      }
      await client.end().catch(() => {})
    },
  }
}

/**
 * Runs jobs, each on a session of its own, and no more than `most` at once: CREATE and DROP DATABASE run side by side,
 * and a session's locks last until the server has done what it was told, even if this process is killed meanwhile.
 * Where the server gives fewer connections, they make do with those.
 */
export function workSessions(most = 8): RunWithSession {
  let running = 0
  const waiting: (() => void)[] = []
  const hasRoom = () => running < most

  /** A session, as soon as there is room for one. */
  async function begin(open: () => Promise<Session>): Promise<Session> {
    for (;;) {
      while (!hasRoom()) await new Promise<void>(resolve => waiting.push(resolve))
      running++
      try {
        return await open()
      } catch (error) {
        const isFull = sqlState((error as Error).cause) === tooManyConnections
        end()
        if (!isFull || running === 0) throw error
        most = running
      }
    }
  }
  function end(): void {
    running--
    waiting.shift()?.()
  }

  return async (open, job) => {
    const session = await begin(open)
    try {
      return await job(session)
    } finally {
      await session.close()
      end()
    }
  }
}

const tooManyConnections = '53300'

export type RunWithSession = <Result>(
  open: () => Promise<Session>,
  job: (session: Session) => Promise<Result>,
) => Promise<Result>

/** The same server and role, another database. */
export function withDatabase(url: string, database: string): string {
  const result = new URL(url)
  result.pathname = `/${encodeURIComponent(database)}`
  return result.href
}

/**
 * How a session says in pg_stat_activity whose it is, for those who wait for it: other roles may read this column, but
 * not the client's address.
 */
const applicationName = `pg-template-db ${process.pid}@${hostname()}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 63)

/** The process behind an `applicationName`. */
export function processOf(application: string): { pid: number; host: string } | undefined {
  const match = /^pg-template-db (\d+)@(.*)$/.exec(application)
  return match ? { pid: Number(match[1]), host: match[2] ?? '' } : undefined
}

// Commits need not wait for the disk: they reach it in order, and CREATE and DROP DATABASE wait for it, so that a row of
// the registry is never younger than its database. Some settings do not exist in every version (transaction_timeout: 17) or on every
// platform (client_connection_check_interval: not on Windows), which must not keep a session from opening.
const settings = `do $$
declare setting text[];
begin
  foreach setting slice 1 in array array[
    ['application_name', ${escapeLiteral(applicationName)}],
    ['search_path', 'pg_catalog'],
    ['default_transaction_isolation', 'read committed'],
    ['default_transaction_read_only', 'off'],
    ['synchronous_commit', 'off'],
    ['statement_timeout', '0'],
    ['lock_timeout', '0'],
    ['transaction_timeout', '0'],
    ['idle_session_timeout', '0'],
    ['idle_in_transaction_session_timeout', '0'],
    ['client_connection_check_interval', '1s'],
    ['tcp_keepalives_idle', '30'],
    ['tcp_keepalives_interval', '10'],
    ['tcp_keepalives_count', '3']
  ] loop
    begin
      perform set_config(setting[1], setting[2], false);
    exception when undefined_object or invalid_parameter_value then null;
    end;
  end loop;
end $$`

// Own parsers, since a program may have changed those of `pg` for all of its clients.
const number = (text: string) => Number(text)
const json = (text: string): unknown => JSON.parse(text)
const parsers: Record<number, (text: string) => unknown> = {
  16: text => text === 't', // bool
  20: number, // int8
  21: number, // int2
  23: number, // int4
  26: number, // oid
  114: json,
  3802: json, // jsonb
}

function parserOf(type: number): (text: string) => unknown {
  return parsers[type] ?? (text => text)
}
