import { guardErrors } from './errors.js'
import type { Session } from './session.js'

/** Which database a session is in, as its server says. */
export interface Identity {
  /** Of the whole server: made by initdb, kept by every physical copy. */
  systemIdentifier: string
  /** Of the database on that server: kept when it is renamed, new when it is restored or cloned. */
  databaseOid: number
  /** Its name now. */
  database: string
  /** When this server was started, in seconds since 1970: two running servers differ in it. */
  startedAt: string
  /** Raised when a replica is promoted. */
  timeline: number
  /** Whether it is a replica. */
  inRecovery: boolean
  role: string
}

/**
 * Asks on the session itself. Every name is written with its schema, since a role or a database may set a search_path in
 * which functions and operators of `public` go first. By default every role may ask all of it, on PostgreSQL 15 to 18.
 *
 * @throws SeedbedError GUARD_IDENTITY_HIDDEN where the right to call pg_control_system() was taken away
 */
export async function identityOf(session: Pick<Session, 'query'>, environment: string): Promise<Identity> {
  try {
    const { rows } = await session.query<Record<keyof Identity, string>>(identityQuery)
    const found = rows[0]!
    return {
      ...found,
      databaseOid: Number(found.databaseOid),
      timeline: Number(found.timeline),
      inRecovery: found.inRecovery === 'true',
    }
  } catch (error) {
    if ((error as { code?: string }).code !== '42501') throw error // insufficient_privilege
    const { rows } = await session.query<{ role: string }>('select current_user::pg_catalog.text as role')
    throw guardErrors.GUARD_IDENTITY_HIDDEN({ environment, role: rows[0]!.role })
  }
}

// As text: a program may have changed how pg reads other types, and a time's text depends on the session's time zone.
const identityQuery = `
  select
    system.system_identifier::pg_catalog.text as "systemIdentifier",
    database.oid::pg_catalog.text as "databaseOid",
    database.datname::pg_catalog.text as database,
    extract(epoch from pg_catalog.pg_postmaster_start_time())::pg_catalog.text as "startedAt",
    checkpoint.timeline_id::pg_catalog.text as timeline,
    pg_catalog.pg_is_in_recovery()::pg_catalog.text as "inRecovery",
    current_user::pg_catalog.text as role
  from pg_catalog.pg_control_system() system, pg_catalog.pg_control_checkpoint() checkpoint, pg_catalog.pg_database database
  where database.datname operator(pg_catalog.=) pg_catalog.current_database()`

/** Whether it is the same database on the same server, or on a physical copy of it. */
export function isSameDatabase(
  first: Pick<Identity, 'systemIdentifier' | 'databaseOid'>,
  second: Pick<Identity, 'systemIdentifier' | 'databaseOid'>,
): boolean {
  return first.systemIdentifier === second.systemIdentifier && first.databaseOid === second.databaseOid
}

/** Whether it is the same running server: a copy of it that runs as well was started at another moment. */
export function isSameServer(first: Identity, second: Identity): boolean {
  return first.systemIdentifier === second.systemIdentifier && first.startedAt === second.startedAt
}
