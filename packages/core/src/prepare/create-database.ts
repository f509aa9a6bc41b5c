import type { AskedHere } from '@seedbed/environments'
import { markDatabase, openGuarded, type GuardTarget } from '@seedbed/environments/guard'
import { loadPg } from '../server/load-pg.js'
import { prepareErrors } from './errors.js'

/**
 * Creates a database of an environment that is not there, beside the others of its server, and marks it.
 *
 * @returns whether it was created now
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
  await using session = await openGuarded(target, 'create', asked)
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

/** Whether a log-in is refused because there is no such database; every other refusal is the guard's to explain. */
async function isThere(url: string): Promise<boolean> {
  const { Client } = loadPg()
  const client = new Client({
    connectionString: url,
    application_name: 'seedbed prepare',
    connectionTimeoutMillis: 15_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch (error) {
    return (error as { code?: string }).code !== '3D000' // invalid_catalog_name (manual, appendix A)
  } finally {
    await client.end().catch(() => {})
  }
}
