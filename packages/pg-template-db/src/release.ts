import type { Context, LeasedTemplate } from './context.js'
import { dropRegistered } from './drop.js'
import { errors } from './errors.js'
import { lockClass } from './locks.js'
import { restoreSequences } from './sequences.js'
import { openSession, type Session } from './session.js'
import { visitorsAfter } from './visitors.js'

/** A clone that this handle has leased. */
export interface HeldClone {
  id: number
  oid: number
  database: string
  template: LeasedTemplate
  /** How many sessions the server had counted in it when it was handed out. */
  sessions: number
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

/** Makes a clone ready for another use, or drops it; in any case it is not leased any more. */
export async function release(context: Context, held: HeldClone, use: Release): Promise<'kept' | 'dropped'> {
  context.assertLeased()
  try {
    const sessions = use.clean ? await backToTemplate(context, held, use.sessions) : undefined
    if (sessions !== undefined) {
      await context.lease.query(
        `update template_db.databases set state = 'ready', sessions = $2, last_used_at = now() where id = $1`,
        [held.id, sessions],
      )
      return 'kept'
    }
    const refusal = await context.work(async work => {
      await work.query('select pg_advisory_lock($1, $2)', [lockClass.busy, held.id])
      return dropRegistered(context, work, held.id, { force: true })
    })
    if (refusal)
      throw errors.DROP_REFUSED({ database: held.database, reason: refusal.reason }, { cause: refusal.cause })
    return 'dropped'
  } finally {
    context.clones.delete(held)
    // Only now: a row that is not ready and has no lease is taken for left behind.
    await context.lease.query('select pg_advisory_unlock($1, $2)', [lockClass.lease, held.id]).catch(() => {})
  }
}

/**
 * Sets the sequences back if nobody but the user was in the clone, and returns how many sessions the server has counted
 * then; undefined if the clone is not as its template, or may not be.
 *
 * A session that ends adds itself to pg_stat_database before its line in pg_stat_activity goes (pgstat_shutdown_hook
 * runs before pgstat_beshutdown_hook), and a crash of the server sets the count to zero: with no session left, the
 * count is exact or too small.
 */
async function backToTemplate(context: Context, held: HeldClone, sessions: number): Promise<number | undefined> {
  if ((await countedWhenEmpty(context.lease, held)) !== held.sessions + sessions) return undefined
  if (sessions === 0) return held.sessions
  try {
    const session = await openSession(context.url, held.database)
    try {
      await restoreSequences(session, held.template.sequences)
    } finally {
      await session.close()
    }
  } catch {
    return undefined
  }
  const expected = held.sessions + sessions + 1
  return (await countedWhenEmpty(context.lease, held)) === expected ? expected : undefined
}

/** How many sessions there have been; undefined if somebody stays for a second, or a prepared transaction waits. */
async function countedWhenEmpty(lease: Session, { oid, database }: HeldClone): Promise<number | undefined> {
  const visitors = await visitorsAfter(lease, { oid, milliseconds: 1000 })
  if (visitors.length > 0) return undefined
  const [counted] = await lease.query<{ sessions: number }>(
    `select sessions from pg_stat_database s where datid = $1 and datname = $2
        and not exists (select from pg_prepared_xacts x where x.database = s.datname)`,
    [oid, database],
  )
  return counted?.sessions
}
