import { openAudit, reasonOf, type AuditEvent } from '../audit/audit.js'
import { placeOf } from '../resolve/database-url.js'
import { everyDatabase } from '../resolve/databases.js'
import { knownEnvironments } from '../resolve/known-environments.js'
import { contentsOf, type Contents } from './contents.js'
import { guardErrors } from './errors.js'
import { passGate, type GuardOptions, type GuardTarget, type Wanted } from './gate.js'
import { identityOf, isSameDatabase, type Identity } from './identity.js'
import { openInside, type Opened } from './look.js'
import { readMarker, writeMarker, type Marker } from './marker.js'
import { knownAs, remember, rememberedIn } from './remembered.js'
import { openSession } from './session.js'

/** What a person is shown before a database is claimed. */
export interface ClaimSummary {
  /** What it will be. */
  environment: string
  tier: string
  project: string
  database: string
  /** `db.example.com:5432/shop_staging`. */
  place: string
  identity: Identity
  contents: Contents
  /** Whose it is now, if it is marked. */
  marker: Marker | undefined
  /** Whether that marker was made for another database, and came along when this one was restored or cloned. */
  copied: boolean
}

/**
 * Marks a database that exists as an environment's, after showing what is in it. It is the way out for a database that Seedbed
 * has not made, and for one that was restored from another. Nobody works on it through Seedbed meanwhile.
 *
 * What is production's, by its marker or by what is remembered, is not claimed for anything else. A physical copy of it, such as
 * a replica that was promoted, cannot be told from it by looking at the copy alone: it is claimed only while production itself
 * is reached at its URL and is shown to be another running server.
 *
 * @param confirm shows the summary and asks
 * @throws SeedbedError GUARD_CLAIM_DECLINED, GUARD_CLAIM_OF_PROTECTED, GUARD_MARKER_STRANGE, GUARD_MARKER_UNWRITABLE, AUDIT_UNWRITABLE, and what
 *   `openGuarded` throws before it looks for a marker
 * @example await claimDatabase(target, options, async ({ contents }) => ask(`${contents.tables} tables. Claim it?`))
 */
export async function claimDatabase(
  target: GuardTarget,
  options: GuardOptions,
  confirm: (summary: ClaimSummary) => Promise<boolean>,
): Promise<Marker> {
  const { name: environment, tier } = target.environment
  const audit = openAudit(options)
  const event: AuditEvent = {
    ...{ environment, tier, database: target.database, operation: 'claim' },
    ...{ decision: 'refused', reason: '' },
  }
  let inside: Opened | undefined
  try {
    const wanted = passGate(target, 'claim', options)
    event.place = placeOf(wanted.url)
    audit.assertWritable()
    inside = await openInside(wanted, 'alone')
    const { session, identity } = inside
    event.server = { systemIdentifier: identity.systemIdentifier, databaseOid: identity.databaseOid }
    const found = await readMarker(session)
    const { name } = wanted
    if ('strange' in found) throw guardErrors.GUARD_MARKER_STRANGE({ environment, name, problem: found.strange })
    const before = 'marker' in found ? found.marker : undefined
    await refuseLive(wanted, identity, before, options)
    const { tier, project, database } = wanted
    const summary: ClaimSummary = {
      ...{ environment, tier, project, database, place: event.place, identity },
      contents: await contentsOf(session),
      marker: before,
      copied: before !== undefined && !isSameDatabase(before, identity),
    }
    if (!(await confirm(summary))) throw guardErrors.GUARD_CLAIM_DECLINED({ environment, name })
    audit.record({ ...event, decision: 'allowed', reason: 'somebody has confirmed it' })
    const marker = await writeMarker(session, wanted, identity)
    if (wanted.protected) await remember(options.folder, marker)
    return marker
  } catch (error) {
    audit.tell({ ...event, reason: reasonOf(error) })
    throw error
  } finally {
    await inside?.session.close()
  }
}

/** Refuses what is a protected environment's, unless that one is seen to run elsewhere at this very moment. */
async function refuseLive(
  wanted: Wanted,
  identity: Identity,
  marker: Marker | undefined,
  options: GuardOptions,
): Promise<void> {
  const owner = await protectedOwner(identity, marker, options)
  if (!owner || (owner.environment === wanted.environment && owner.database === wanted.database)) return
  const { environment, name } = wanted
  const refuse = (problem: string) =>
    guardErrors.GUARD_CLAIM_OF_PROTECTED({ environment, name, protected: owner.environment, problem })
  const url = everyDatabase(options).find(
    each => each.environment === owner.environment && each.database === owner.database,
  )?.url
  if (url === undefined) throw refuse(`nothing says where ${owner.environment} is`)
  const live = await openSession(url, owner.environment)
  try {
    const running = await identityOf(live, owner.environment)
    if (running.inRecovery) throw refuse(`the URL of ${owner.environment} leads to a replica`)
    if (!isSameDatabase(running, identity)) throw refuse(`the URL of ${owner.environment} leads to another database`)
    if (running.startedAt === identity.startedAt) throw refuse('it runs on the very same server')
  } finally {
    await live.close()
  }
}

/** Which protected environment says that the database is its own: its marker, or what commands remember. */
async function protectedOwner(
  identity: Identity,
  marker: Marker | undefined,
  options: GuardOptions,
): Promise<{ environment: string; database: string } | undefined> {
  const remembered = knownAs(identity, marker, await rememberedIn(options.folder))
  if (remembered) return remembered
  if (!marker || !isSameDatabase(marker, identity)) return undefined
  const isProtected = knownEnvironments(options.config).find(marker.environment)?.protected
  return isProtected || marker.tier === 'production' ? marker : undefined
}
