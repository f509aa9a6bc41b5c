import { openAudit, reasonOf, type AuditEvent } from '../audit/audit.js'
import { placeOf } from '../resolve/database-url.js'
import { guardErrors } from './errors.js'
import { isDestructive, passGate, type GuardOptions, type GuardTarget, type Operation, type Wanted } from './gate.js'
import { handOver, type GuardedSession } from './guarded-session.js'
import { identityOf, isSameServer } from './identity.js'
import { lookWhoseItIs, openInside, type Opened } from './look.js'
import { remember } from './remembered.js'
import { openSession } from './session.js'

/**
 * The one gate in front of everything that changes a database. It opens the session that may act, after looking at that
 * very session: is it where the URL says, does the marker in it say that it is this environment's, and was it made for this
 * database on this server? Whatever it cannot tell it refuses. Each decision is a line of the audit log, and what destroys is
 * not allowed without that line.
 *
 * Protected environments are never reset, dropped, truncated or overwritten, and under a test runner there is only `test`:
 * both are refused without a connection.
 *
 * - `drop` gives a session beside the database, and keeps one in it, so that it is neither renamed nor replaced meanwhile:
 *   say `drop database … with (force)`.
 * - `create` gives a session beside the database, which must not be there yet. `markDatabase` follows it.
 *
 * @throws SeedbedError GUARD_PROTECTED, GUARD_ENVIRONMENT_DIFFERS, GUARD_ONLY_TEST, ENVIRONMENTS_SHARE_DATABASE, AUDIT_UNWRITABLE,
 *   GUARD_CONNECTION_FAILED, GUARD_DATABASE_MISSING, GUARD_POOLER, GUARD_IDENTITY_HIDDEN, GUARD_OTHER_DATABASE, GUARD_REPLICA, GUARD_BUSY, GUARD_REMEMBERED,
 *   GUARD_MEMORY_UNREADABLE, GUARD_MARKER_MISSING, GUARD_MARKER_STRANGE, GUARD_MARKER_COPIED, GUARD_MARKER_OF_ANOTHER,
 *   GUARD_DATABASE_EXISTS
 * @example
 * const environment = resolveEnvironment({ config, variables: process.env, flag: 'test' })
 * await using session = await openGuarded({ environment, database: 'main' }, 'reset', { config, variables: process.env, folder })
 * await session.query('truncate public.users')
 */
export async function openGuarded<Allowed extends Operation>(
  target: GuardTarget,
  operation: Allowed,
  options: GuardOptions,
): Promise<GuardedSession<Allowed>> {
  const { name, tier, protected: isProtected, badge } = target.environment
  const { database } = target
  const audit = openAudit(options)
  const event: AuditEvent = { environment: name, tier, database, operation, decision: 'refused', reason: '' }
  const opened: Opened[] = []
  const close = async () => void (await Promise.all(opened.map(({ session }) => session.close())))
  try {
    const wanted = passGate(target, operation, options)
    event.place = placeOf(wanted.url)
    if (isDestructive(operation)) audit.assertWritable()
    if (operation !== 'create') {
      const inside = await openInside(wanted, 'shared')
      opened.push(inside)
      const { systemIdentifier, databaseOid } = inside.identity
      event.server = { systemIdentifier, databaseOid }
      const marker = await lookWhoseItIs(inside, wanted, options.folder)
      if (wanted.protected) await remember(options.folder, marker)
      event.reason = `its marker says so, by ${marker.markedBy}`
    }
    if (operation === 'create' || operation === 'drop') {
      const beside = await openBeside(wanted, opened[0])
      opened.push(beside)
      if (operation === 'create') await refuseExisting(beside, wanted)
      event.reason ||= 'it is not there yet'
    }
    event.decision = 'allowed'
    if (isDestructive(operation)) audit.record(event)
    else audit.tell(event)
    return handOver(
      {
        operation,
        environment: { name, tier, protected: isProtected, badge },
        database,
        name: wanted.name,
        query: opened.at(-1)!.session.query,
        report: rows => audit.tell({ ...event, decision: 'done', rows }),
      },
      close,
    )
  } catch (error) {
    await close()
    audit.tell({ ...event, decision: 'refused', reason: reasonOf(error) })
    throw error
  }
}

/** Where the sessions are that `create` and `drop` give. */
export const databaseBeside = (name: string) => (name === 'postgres' ? 'template1' : 'postgres')

/** Nobody drops the database that he is in, and nobody is in one that is not there yet. */
async function openBeside({ url, environment, name }: Wanted, inside: Opened | undefined): Promise<Opened> {
  const session = await openSession(url, environment, databaseBeside(name))
  try {
    const identity = await identityOf(session, environment)
    if (identity.inRecovery) throw guardErrors.GUARD_REPLICA({ environment, name })
    if (inside && !isSameServer(identity, inside.identity)) {
      throw guardErrors.GUARD_OTHER_DATABASE({ environment, name, found: `${identity.database} of another server` })
    }
    return { session, identity }
  } catch (error) {
    await session.close()
    throw error
  }
}

async function refuseExisting({ session }: Opened, { environment, name }: Wanted): Promise<void> {
  const { rows } = await session.query(
    'select from pg_catalog.pg_database where datname::pg_catalog.text operator(pg_catalog.=) $1',
    [name],
  )
  if (rows.length > 0) throw guardErrors.GUARD_DATABASE_EXISTS({ environment, name })
}
