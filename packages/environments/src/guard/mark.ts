import { openAudit } from '../audit/audit.js'
import { placeOf } from '../resolve/database-url.js'
import { guardErrors } from './errors.js'
import { passGate, type GuardOptions, type GuardTarget } from './gate.js'
import { assertGuarded, type GuardedSession } from './guarded-session.js'
import { identityOf, isSameServer } from './identity.js'
import { openInside } from './look.js'
import { writeMarker, type Marker } from './marker.js'
import { remember } from './remembered.js'

/**
 * Marks a database that has just been created on a session of the guard. When that session was opened there was none of
 * this name, so that whatever is in it now was put there since; a marker that came along from its template is replaced.
 *
 * @throws SeedbedError GUARD_NOT_GUARDED, GUARD_OTHER_DATABASE, GUARD_BUSY, GUARD_MARKER_UNWRITABLE, and what `openGuarded` throws
 *   before it looks for a marker
 * @example
 * await using session = await openGuarded(target, 'create', options)
 * await session.query(`create database ${escapeIdentifier(session.name)}`)
 * await markDatabase(session, target, options)
 */
export async function markDatabase(
  session: GuardedSession<'create'>,
  target: GuardTarget,
  options: GuardOptions,
): Promise<Marker> {
  assertGuarded(session, 'create')
  const wanted = passGate(target, 'mark', options)
  const { environment, tier, database, name } = wanted
  if (session.environment.name !== environment || session.database !== database || session.name !== name) {
    throw guardErrors.GUARD_NOT_GUARDED({ operation: 'mark', problem: `it was opened to create "${session.name}"` })
  }
  const created = await identityOf(session, environment)
  const inside = await openInside(wanted, 'alone')
  try {
    const { identity } = inside
    if (!isSameServer(identity, created)) {
      throw guardErrors.GUARD_OTHER_DATABASE({ environment, name, found: `${identity.database} of another server` })
    }
    const marker = await writeMarker(inside.session, wanted, identity)
    if (wanted.protected) await remember(options.folder, marker)
    const { systemIdentifier, databaseOid } = identity
    const server = { systemIdentifier, databaseOid }
    const reason = 'it was made here'
    const event = { environment, tier, database, place: placeOf(wanted.url), server, operation: 'mark', reason }
    openAudit(options).tell({ ...event, decision: 'done' })
    return marker
  } finally {
    await inside.session.close()
  }
}

/**
 * Writes into the marker which schema the database has now: the last migration's name, or what the migration tool calls it.
 *
 * @throws SeedbedError GUARD_NOT_GUARDED
 */
export async function recordSchemaVersion(session: GuardedSession<'migrate'>, version: string): Promise<void> {
  assertGuarded(session, 'migrate')
  await session.query('update only seedbed.marker set schema_version = $1', [version])
}
