import type { Context, LeasedTemplate } from './context.js'
import { dropRegistered } from './drop.js'
import { errors, reasonOf } from './errors.js'
import { lockClass } from './locks.js'
import { restoreSequences } from './sequences.js'
import type { Session } from './session.js'
import { visitorsAfter } from './visitors.js'

/** A clone that this handle has leased. */
export interface HeldClone {
  id: number
  oid: number
  database: string
  template: LeasedTemplate
  /** How many sessions the server had counted in it when it was handed out. */
  sessions: number
  /** Made as another clone was, and not as its template. */
  isCopy?: boolean
  /** Set as soon as it is given back: by its user, or because the handle is closed. */
  released?: Promise<Released>
}

/** What its user says about a clone that is given back. */
export interface Release {
  /**
   * How many sessions you have opened in it, all of them closed by now. If the server has counted another number,
   * somebody else was in there, and the clone is dropped.
   */
  sessions: number
  /** False as soon as anything was committed, or if you do not know; the clone is dropped then. `nextval` is fine. */
  clean: boolean
}

/** What became of it: whether it waits for another use, and for a clone that was dropped, why it could not be used again. */
export type Released = { reusable: true } | { reusable: false; reason: string }

/** Makes a clone ready for another use, or drops it; in any case it is not leased any more. Once only. */
export function release(context: Context, held: HeldClone, use: Release): Promise<Released> {
  return (held.released ??= giveBack(context, held, use))
}

async function giveBack(context: Context, held: HeldClone, use: Release): Promise<Released> {
  context.assertLeased()
  try {
    const outcome = await backToTemplate(context, held, use)
    if ('sessions' in outcome) {
      await context.lease.query(
        `update template_db.databases set state = 'ready', sessions = $2, last_used_at = now() where id = $1`,
        [held.id, outcome.sessions],
      )
      return { reusable: true }
    }
    const refusal = await context.work(async work => {
      await work.query('select pg_advisory_lock($1, $2)', [lockClass.busy, held.id])
      return dropRegistered(context, work, held.id, { force: true })
    })
    if (refusal)
      throw errors.DROP_REFUSED({ database: held.database, reason: refusal.reason }, { cause: refusal.cause })
    return { reusable: false, reason: outcome.reason }
  } finally {
    context.clones.delete(held)
    // Only now: a row that is not ready and has no lease is taken for left behind.
    await context.lease.query('select pg_advisory_unlock($1, $2)', [lockClass.lease, held.id]).catch(() => {})
  }
}

/**
 * Sets the sequences back if nothing was committed and nobody but the user was in the clone. Returns how many sessions
 * the server has counted in it then, or why it is not as its template, or may not be.
 *
 * A session that ends adds itself to pg_stat_database before its line in pg_stat_activity goes (in PostgreSQL's sources
 * pgstat_shutdown_hook runs before pgstat_beshutdown_hook), and a crash of the server sets the count to zero. So with no
 * session left, the count is exact or too small.
 */
async function backToTemplate(
  context: Context,
  held: HeldClone,
  { sessions, clean }: Release,
): Promise<{ sessions: number } | { reason: string }> {
  if (held.isCopy) return { reason: 'it is a copy of another clone' }
  if (!clean) return { reason: 'it is not clean' }
  const used = await countWhenEmpty(context.lease, held, held.sessions + sessions)
  if ('reason' in used || sessions === 0) return used
  try {
    await context.work(session => restoreSequences(session, held.template.sequences), held.database)
  } catch (error) {
    return { reason: `its sequences could not be set back: ${reasonOf(error)}` }
  }
  return countWhenEmpty(context.lease, held, used.sessions + 1)
}

/** Counts the sessions, those of the past included, when none is left. */
async function countWhenEmpty(
  lease: Session,
  { oid, database, sessions: before }: HeldClone,
  expected: number,
): Promise<{ sessions: number } | { reason: string }> {
  const visitors = await visitorsAfter(lease, { oid, milliseconds: 1000 })
  if (visitors.length > 0) return { reason: `somebody is in it: ${visitors.join('; ')}` }
  const [counted] = await lease.query<{ sessions: number; prepared: boolean }>(
    `select sessions, exists (select from pg_prepared_xacts x where x.database = s.datname) as prepared
       from pg_stat_database s where datid = $1 and datname = $2`,
    [oid, database],
  )
  if (!counted) return { reason: 'it was dropped or renamed' }
  if (counted.prepared) return { reason: 'a prepared transaction waits in it' }
  if (counted.sessions === expected) return { sessions: expected }
  return { reason: `there were ${counted.sessions - before} sessions in it instead of ${expected - before}` }
}
