import { setTimeout as pause } from 'node:timers/promises'
import type { Session } from './session.js'

/**
 * Waits until no client has a session in a database, and no longer than `milliseconds`; then says who is left. The
 * server's own processes, such as autovacuum, have no user and do not count.
 */
export async function visitorsAfter(
  session: Session,
  { oid, except = 0, milliseconds }: { oid: number; except?: number | undefined; milliseconds: number },
): Promise<string[]> {
  const until = performance.now() + milliseconds
  for (let wait = 2; ; wait = Math.min(wait * 2, 100)) {
    const rows = await session.query<{ visitor: string }>(visitorsQuery, [oid, except])
    if (rows.length === 0 || performance.now() > until) return rows.map(row => row.visitor)
    await pause(wait)
  }
}

const visitorsQuery = `
  select format('process %s of role %s, application "%s"%s', pid, usename, application_name, ', ' || state) as visitor
    from pg_stat_activity where datid = $1 and usesysid is not null and pid <> $2 order by pid`
