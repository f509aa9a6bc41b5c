import { Socket } from 'node:net'
import { connectionFailed, forPg, type Result, type Session } from './session.js'

/**
 * Opens a session that changes nothing: each query is a transaction of its own, which is read-only and rolled back. Nothing is set on
 * the session itself, which a pooler may share with others.
 *
 * @param limit milliseconds, for all of it, from the first try to connect on
 * @throws SeedbedError GUARD_CONNECTION_FAILED, GUARD_DATABASE_MISSING; a query that comes too late throws what pg throws
 */
export async function openReadOnly(given: string, environment: string, limit: number): Promise<Session> {
  try {
    return await connectReadOnly(given, limit)
  } catch (cause) {
    throw connectionFailed(forPg(given), environment, cause)
  }
}

/**
 * The same for who has to know why it failed.
 *
 * @throws what pg throws: a refusal of the server's with its SQLSTATE as `code`
 */
export async function connectReadOnly(given: string, limit: number): Promise<Session> {
  const { Client } = (await import('pg')).default
  const url = forPg(given)
  const socket = new Socket()
  const client = new Client({ connectionString: url, application_name: 'seedbed status', stream: () => socket })
  client.on('error', () => {}) // the query that runs, or the next, says so
  const tooLate = new Error(`no answer within ${limit / 1_000} s`)
  const timer = setTimeout(() => socket.destroy(tooLate), limit)
  const close = async () => {
    clearTimeout(timer)
    await client.end().catch(() => {}) // it was lost before
    socket.destroy()
  }
  try {
    await client.connect()
  } catch (error) {
    await close()
    throw error
  }
  return {
    async query<Row>(text: string, values?: unknown[]): Promise<Result<Row>> {
      await client.query('begin read only; set local search_path = pg_catalog, pg_temp')
      try {
        const { rows, rowCount } = await client.query(text, values)
        await client.query('rollback')
        return { rows: rows as Row[], rowCount }
      } catch (cause) {
        await client.query('rollback').catch(() => {}) // what went wrong before says more
        throw cause
      }
    },
    close,
  }
}
