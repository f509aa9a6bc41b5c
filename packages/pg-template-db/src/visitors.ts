import { setTimeout as pause } from 'node:timers/promises'
import type { Session } from './session.js'

/**
 * Ends the sessions that a pooler keeps in a database although nobody has them. They cannot be told from those that somebody
 * has and does not use, so that these end as well.
 */
export async function endIdle(session: Session, { oid, except = 0 }: { oid: number; except?: number | undefined }) {
  if (session.pooled) await session.query(endIdleQuery, [oid, except])
}

const endIdleQuery = `
  select pg_terminate_backend(pid) from pg_stat_activity
   where datid = $1 and pid <> $2 and usename = current_user and state = 'idle'`

/**
 * Waits until no client has a session in a database, and no longer than `milliseconds`; then says who is left. The
 * server's own processes, such as autovacuum, have no user and do not count, nor does what only a pooler keeps.
 */
export async function visitorsAfter(
  session: Session,
  { oid, except = 0, milliseconds }: { oid: number; except?: number | undefined; milliseconds: number },
): Promise<string[]> {
  const until = performance.now() + milliseconds
  for (let wait = 2; ; wait = Math.min(wait * 2, 100)) {
    await endIdle(session, { oid, except })
    const rows = await session.query<{ visitor: string }>(visitorsQuery, [oid, except])
    if (rows.length === 0 || performance.now() > until) return rows.map(row => row.visitor)
    await pause(wait)
  }
}

const visitorsQuery = `
  select format('process %s of role %s, application "%s"%s', pid, usename, application_name, ', ' || state) as visitor
    from pg_stat_activity where datid = $1 and usesysid is not null and pid <> $2 order by pid`
