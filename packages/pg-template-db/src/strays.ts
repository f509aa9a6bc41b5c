import type { Context } from './context.js'
import { lockClass } from './locks.js'

/** A session in a database that was made for somebody who is gone. */
export interface StraySession {
  database: string
  pid: number
  role: string
  /** Its `application_name`. */
  application: string
  since: Date
}

/** Sessions that keep a sweep from dropping what nobody leases any more: see `Templates.listStrays`. */
export async function listStrays({ lease }: Context): Promise<StraySession[]> {
  const rows = await lease.query<Omit<StraySession, 'since'> & { since: number }>(straysQuery)
  return rows.map(row => ({ ...row, since: new Date(row.since) }))
}

// What is kept is there to be looked at; autovacuum and the like leave when asked.
const straysQuery = `
  select d.name as database, a.pid, a.usename::text as role, a.application_name as application,
    (extract(epoch from a.backend_start) * 1000)::int8 as since
  from template_db.databases d
    join pg_database p on p.oid = d.oid and p.datname = d.name
    join pg_stat_activity a on a.datid = p.oid and a.backend_type = 'client backend'
  where d.kind <> 'kept' and not exists (
    select from pg_locks l where l.locktype = 'advisory' and l.objid = d.id::oid
       and l.classid in (${lockClass.lease}, ${lockClass.busy})
       and l.database = (select oid from pg_database where datname = current_database()))
  order by a.backend_start`
