import type { Client } from 'pg'
import { withoutSecrets, secretsOf } from '../audit/secrets.js'
import { databaseOf, placeOf, withDatabaseName } from '../resolve/database-url.js'
import { guardErrors } from './errors.js'

/** One session of one server process, for as long as it lives. It never connects anew. */
export interface Session {
  query<Row>(text: string, values?: unknown[]): Promise<Result<Row>>
  close(): Promise<void>
}

export interface Result<Row> {
  rows: Row[]
  /** How many rows there are, or were changed; null of a statement that has none. */
  rowCount: number | null
}

/**
 * Opens a session whose names mean what PostgreSQL means by them, whatever the role, the database or the URL set.
 *
 * @param database on the same server @default the URL's
 * @throws SeedbedError GUARD_CONNECTION_FAILED, GUARD_DATABASE_MISSING, GUARD_POOLER
 */
export async function openSession(given: string, environment: string, database?: string): Promise<Session> {
  const url = forPg(database === undefined ? given : withDatabaseName(given, database))
  const failed = (cause: unknown) => connectionFailed(url, environment, cause)
  const client = await connect(url).catch((cause: unknown) => {
    throw failed(cause)
  })
  try {
    // Before anything is set: a shared session would keep it, for whoever comes next.
    if ((await processOf(client)) !== (client as Client & { processID: number }).processID) {
      if (await sharesSessions(client, url)) throw guardErrors.GUARD_POOLER({ environment, place: placeOf(url) })
    }
    await client.query(settings)
  } catch (cause) {
    await end(client)
    throw cause instanceof Error && 'severity' in cause ? failed(cause) : cause
  }
  return {
    async query<Row>(text: string, values?: unknown[]): Promise<Result<Row>> {
      const { rows, rowCount } = await client.query(text, values)
      return { rows: rows as Row[], rowCount }
    },
    close: () => end(client),
  }
}

export function connectionFailed(url: string, environment: string, cause: unknown) {
  if ((cause as { code?: string }).code === invalidCatalogName) {
    return guardErrors.GUARD_DATABASE_MISSING({ environment, name: databaseOf(url), place: placeOf(url) })
  }
  const reason = withoutSecrets((cause as Error).message || String(cause), secretsOf({ url }))
  return guardErrors.GUARD_CONNECTION_FAILED({ environment, place: placeOf(url), reason })
}

/** The server is there, and has no such database (manual, appendix A). */
const invalidCatalogName = '3D000'

// pg_temp stands last, or it would be searched first. Time limits would end the session, and with it its lock.
const settings = `
  set search_path = pg_catalog, pg_temp;
  set statement_timeout = 0;
  set lock_timeout = 0;
  set idle_session_timeout = 0;
  set idle_in_transaction_session_timeout = 0`

async function connect(url: string): Promise<Client> {
  const { Client } = (await import('pg')).default
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 15_000,
    application_name: 'seedbed guard',
  })
  client.on('error', () => {}) // the statement that runs, or the next, says so
  try {
    await client.connect()
    return client
  } catch (cause) {
    await end(client)
    throw cause
  }
}

/** Without a port PGPORT would count, and lead elsewhere than the URL says; and pg leaves some encoded characters of a name as they are. */
export function forPg(url: string): string {
  const result = new URL(url)
  if (result.hostname === '') result.searchParams.set('port', '5432')
  else if (result.port === '') result.port = '5432'
  result.pathname = `/${encodeURI(databaseOf(url))}`
  return result.href
}

/**
 * A pooler tells each client of a server process that there is not. In session mode the client has one to itself; else
 * the next client, in a transaction, is given the very one that this client has just used. Others may come in between.
 */
async function sharesSessions(client: Client, url: string): Promise<boolean> {
  const other = await connect(url)
  try {
    for (let time = 0; time < 3; time++) {
      const before = await processOf(client)
      const canBegin = await other.query('begin').then(
        () => true,
        () => false,
      )
      if (!canBegin) return true // every statement has another
      const ofOther = await processOf(other)
      const after = await processOf(client)
      await other.query('rollback')
      if (before !== after || ofOther === before) return true
    }
    return false
  } finally {
    await end(other)
  }
}

async function processOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid')
  return rows[0]!.pid
}

async function end(client: Client): Promise<void> {
  await client.end().catch(() => {}) // it was lost before
}
