import { SeedbedError, type AskedHere } from '@seedbed/environments'
import {
  databaseBeside,
  markDatabase,
  openGuarded,
  type GuardedSession,
  type GuardTarget,
} from '@seedbed/environments/guard'
import type { Client } from 'pg'
import { withDatabase } from '../server/database-url.js'
import { loadPg } from '../server/load-pg.js'
import { prepareErrors } from './errors.js'

/**
 * Creates a database of an environment that is not there, beside the others of its server, and marks it. Of several commands that
 * want to, one does.
 *
 * @returns whether it was created now, and by this command
 * @throws SeedbedError DATABASE_NOT_CREATED, and what `openGuarded` throws
 */
export async function createDatabase(
  target: GuardTarget,
  asked: AskedHere<string>,
  progress: (line: string) => void,
): Promise<boolean> {
  const { environment, database } = target
  const { url, database: name } = environment.databases[database]!
  if (await isThere(url)) return false
  const beside = await openGuarded(target, 'create', asked).catch((error: unknown) => {
    // Since the look that found none.
    if (isError(error, 'GUARD_DATABASE_EXISTS')) return undefined
    throw error
  })
  if (!beside) return false
  await using session = beside
  await session.query(oneCreates, [name])
  if ((await session.query(sameName, [name])).rows.length > 0) return false
  try {
    // Its own words: in no transaction, and nothing else with it.
    await session.query(`create database ${loadPg().escapeIdentifier(name)}`)
  } catch (cause) {
    const { rows } = await session.query<{ role: string }>('select current_user::text as role')
    const reason = (cause as Error).message
    throw prepareErrors.DATABASE_NOT_CREATED(
      { environment: environment.name, name, role: rows[0]!.role, reason },
      { cause },
    )
  }
  await markDatabase(session, target, asked)
  progress(`created "${name}"`)
  return true
}

/**
 * A database without a marker may be one that another command is creating just now: it is asked again when that is done.
 *
 * @throws SeedbedError what `openGuarded` throws
 */
export async function openOnceMarked(
  target: GuardTarget,
  asked: AskedHere<string>,
): Promise<GuardedSession<'migrate'>> {
  const { url, database: name } = target.environment.databases[target.database]!
  try {
    return await openGuarded(target, 'migrate', asked)
  } catch (error) {
    if (!isError(error, 'GUARD_MARKER_MISSING')) throw error
    const waited = await connected(withDatabase(url, databaseBeside(name)), beside =>
      beside.query(oneCreates, [name]),
    ).then(
      () => true,
      () => false,
    )
    if (!waited) throw error
    return openGuarded(target, 'migrate', asked)
  }
}

/** The session's end gives the lock back; others wait. It is a lock of the database beside, since this one is not there yet. */
const oneCreates = "select pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended('seedbed creates ' || $1::text, 0))"

const sameName = 'select from pg_catalog.pg_database where datname = $1'

const isError = (error: unknown, code: string) => error instanceof SeedbedError && error.code === code

/** Whether a log-in is refused because there is no such database; every other refusal is the guard's to explain. */
async function isThere(url: string): Promise<boolean> {
  return connected(url, async () => {}).then(
    () => true,
    (error: { code?: string }) => error.code !== '3D000', // invalid_catalog_name (manual, appendix A)
  )
}

/** Does something on a connection of its own. */
async function connected(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const { Client } = loadPg()
  const client = new Client({
    connectionString: url,
    application_name: 'seedbed prepare',
    connectionTimeoutMillis: 15_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}
