import type { ResolvedEnvironment } from '@seedbed/environments'
import type { GuardedSession } from '@seedbed/environments/guard'
import { listed } from '../errors/listed.js'
import type { MigrationHistory } from '../migrations/migration-history.js'
import { rowsDigest } from '../structure/rows-digest.js'
import { describeDrift, structureOf, type Structure } from '../structure/structure.js'
import { fingerprintKey } from '../template/fingerprint.js'
import type { PrepareSources } from './prepare-database.js'
import { readPreparedNotes, type PreparedNotes } from './prepared-notes.js'
import { stepHash, stepNote } from './steps.js'

export interface Found {
  history: MigrationHistory
  /** Undefined if it was never prepared. */
  notes: PreparedNotes | undefined
  /** What has become different by hand since it was prepared. */
  drift: string[]
  /** Whether what is pending is all that its schema lacks. */
  isMigratable: boolean
  /** Of a test's database: whether it is as a preparation from scratch would leave it: structure, rows, seeds and steps. */
  isReady: boolean
}

/** Reads how far a database is, and changes nothing. */
export async function look(
  session: GuardedSession<'migrate'>,
  environment: ResolvedEnvironment<string>,
  sources: PrepareSources,
): Promise<Found> {
  const { migrations, seeds, config } = sources
  const [history, notes] = [await migrations.history(session), await readPreparedNotes(session)]
  const noted = notes?.get('structure')
  const drift = noted === undefined ? [] : describeDrift(JSON.parse(noted) as Structure, await structureOf(session))
  const { pending, changed, unknown, unfinished } = history
  const isMigratable = [changed, unknown, unfinished, drift].every(list => list.length === 0)
  const isReady =
    isAlwaysFresh(environment) &&
    notes !== undefined &&
    isMigratable &&
    pending.length === 0 &&
    notes.get('seeds') === fingerprintKey(seeds.fingerprint) &&
    (config.steps ?? []).every(step => notes.get(stepNote(step)) === stepHash(step)) &&
    notes.get('rows') === (await rowsDigest(session))
  return { history, notes, drift, isMigratable, isReady }
}

/** What somebody has changed by hand, or elsewhere, a sentence each. */
export function driftOf({ drift, history: { changed, unknown } }: Found, acted: boolean): string[] {
  return [
    ...(drift.length > 0 && !acted ? [`since it was prepared: ${listed(drift)}`] : []),
    ...changed.map(name => `${name} was edited after it had run here`),
    ...unknown.map(name => `${name} has run here, and the project does not have it`),
  ]
}

/** Nobody keeps anything in a test's database. */
export const isAlwaysFresh = (environment: ResolvedEnvironment<string>) =>
  environment.tier === 'test' && !environment.protected
