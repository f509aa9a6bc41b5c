import { setTimeout as pause } from 'node:timers/promises'
import { guardErrors } from './errors.js'
import { describeOwner, isSameOwner, type Wanted } from './gate.js'
import { identityOf, isSameDatabase, type Identity } from './identity.js'
import { readMarker, type Marker, type MarkerFound } from './marker.js'
import { knownAs, rememberedIn } from './remembered.js'
import { openSession, type Session } from './session.js'

export interface Opened {
  session: Session
  identity: Identity
}

/**
 * Opens a session in the database itself and makes sure that it is in the one that is named. Nobody's marker changes while
 * it is open: it holds `markerLock` until it is closed, `shared` with others who work there, or alone to write the marker.
 *
 * @throws SeedbedError GUARD_CONNECTION_FAILED, GUARD_DATABASE_MISSING, GUARD_POOLER, GUARD_IDENTITY_HIDDEN, GUARD_OTHER_DATABASE, GUARD_REPLICA, GUARD_BUSY
 */
export async function openInside({ url, environment, name }: Wanted, lock: 'shared' | 'alone'): Promise<Opened> {
  const session = await openSession(url, environment)
  try {
    const identity = await identityOf(session, environment)
    const { database: found, inRecovery } = identity
    if (found !== name) throw guardErrors.GUARD_OTHER_DATABASE({ environment, name, found })
    if (inRecovery) throw guardErrors.GUARD_REPLICA({ environment, name })
    if (!(await takesLock(session, lock))) throw guardErrors.GUARD_BUSY({ environment, name })
    return { session, identity }
  } catch (error) {
    await session.close()
    throw error
  }
}

/** A command that has ended holds its lock a moment longer where something stands between it and the server. */
async function takesLock(session: Session, lock: 'shared' | 'alone'): Promise<boolean> {
  const take = lock === 'shared' ? 'pg_try_advisory_lock_shared' : 'pg_try_advisory_lock'
  const until = performance.now() + patienceMilliseconds
  for (;;) {
    const { rows } = await session.query<{ taken: string }>(`select pg_catalog.${take}($1)::pg_catalog.text as taken`, [
      markerLock,
    ])
    if (rows[0]!.taken === 'true') return true
    if (performance.now() > until) return false
    await pause(20)
  }
}

const patienceMilliseconds = 1_000

/** The key of the advisory lock, in each database: the letters of "seedbed" as one number. */
const markerLock = '32481108471997796'

/**
 * Looks whose the session's database is. Unknown, unmarked or contradictory means no.
 *
 * @throws SeedbedError GUARD_REMEMBERED, GUARD_MARKER_MISSING, GUARD_MARKER_STRANGE, GUARD_MARKER_COPIED,
 *   GUARD_MARKER_OF_ANOTHER, GUARD_MEMORY_UNREADABLE
 */
export async function lookWhoseItIs({ session, identity }: Opened, wanted: Wanted, folder: string): Promise<Marker> {
  const { environment, name } = wanted
  const found = await readMarker(session)
  await refuseRemembered(identity, found, wanted, folder)
  if ('missing' in found) throw guardErrors.GUARD_MARKER_MISSING({ environment, name })
  if ('strange' in found) throw guardErrors.GUARD_MARKER_STRANGE({ environment, name, problem: found.strange })
  const { marker } = found
  const marked = describeOwner(marker)
  if (!isSameDatabase(marker, identity)) throw guardErrors.GUARD_MARKER_COPIED({ environment, name, marked })
  if (!isSameOwner(marker, wanted)) throw guardErrors.GUARD_MARKER_OF_ANOTHER({ environment, name, marked })
  return marker
}

async function refuseRemembered(identity: Identity, found: MarkerFound, wanted: Wanted, folder: string): Promise<void> {
  const known = knownAs(identity, 'marker' in found ? found.marker : undefined, await rememberedIn(folder))
  if (!known || (known.environment === wanted.environment && known.database === wanted.database)) return
  const { environment, name } = wanted
  throw guardErrors.GUARD_REMEMBERED({ environment, name, protected: known.environment })
}
