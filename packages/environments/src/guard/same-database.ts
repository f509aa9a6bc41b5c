import { guardErrors } from './errors.js'
import { assertGuarded, type GuardedSession } from './guarded-session.js'
import { identityOf, isSameDatabase, isSameServer } from './identity.js'
import type { Session } from './session.js'

/**
 * Makes sure that another session is in the very database that a session of the guard is in, for what cannot run on that one: a
 * migration sets what it likes, and a seed's names are the application's. A name may lead elsewhere by now, and a pooler maps names.
 *
 * @throws SeedbedError GUARD_NOT_GUARDED, GUARD_OTHER_DATABASE, GUARD_IDENTITY_HIDDEN
 * @example
 * await client.connect()
 * await assertSameDatabase(session, client)
 */
export async function assertSameDatabase(
  session: GuardedSession<'migrate' | 'seed' | 'reset'>,
  other: Pick<Session, 'query'>,
): Promise<void> {
  assertGuarded(session, session.operation)
  const environment = session.environment.name
  const [looked, found] = [await identityOf(session, environment), await identityOf(other, environment)]
  if (isSameDatabase(looked, found) && isSameServer(looked, found)) return
  throw guardErrors.GUARD_OTHER_DATABASE({
    environment,
    name: session.name,
    found: `${found.database}, another database`,
  })
}
