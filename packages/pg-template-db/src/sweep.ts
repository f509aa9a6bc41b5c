import type { Context } from './context.js'
import { dropRegistered } from './drop.js'
import { errors } from './errors.js'
import { whileUnused } from './locks.js'
import type { DatabaseKind } from './registry.js'
import type { Session } from './session.js'

/** How long a database that was kept for people stays, whatever a sweep is asked for. */
const keptForDays = 7

export interface SweptDatabase {
  database: string
  kind: DatabaseKind
  key: string
  /** Why it had to go. */
  why: string
}

export interface SweepReport {
  dropped: SweptDatabase[]
  /** What could not be dropped, with the reason; the next sweep tries again. */
  refused: (SweptDatabase & { reason: string })[]
}

/** Drops what nobody uses: see `Templates.sweep`. */
export async function sweep(context: Context, unusedForDays: number): Promise<SweepReport> {
  if (!(unusedForDays >= 0)) {
    throw errors.INVALID_OPTION({ option: 'unusedForDays', problem: `${unusedForDays} is not a number of days` })
  }
  context.assertLeased()
  const report: SweepReport = { dropped: [], refused: [] }
  // Nearly always there is nothing, and a session of its own would cost more than the look.
  if ((await useless(context.lease, { unusedForDays })).length === 0) return report
  await context.work(async work => {
    // Templates first: the clones of a template that is gone are of no use.
    for (const kind of ['template', 'clone', 'kept']) {
      for (const found of await useless(work, { kind, unusedForDays })) {
        await whileUnused(work, found.id, () => drop(context, work, found.id, unusedForDays, report))
      }
    }
  })
  return report
}

async function drop(context: Context, work: Session, id: number, unusedForDays: number, report: SweepReport) {
  // Somebody may have used it between the look and the lock.
  const [found] = await useless(work, { id, unusedForDays })
  if (!found) return
  const { database, kind, key, why, exists } = found
  const refusal = await dropRegistered(context, work, id, { force: kind !== 'kept' })
  if (refusal) report.refused.push({ database, kind, key, why, reason: refusal.reason })
  else if (exists) report.dropped.push({ database, kind, key, why })
}

interface Useless extends SweptDatabase {
  id: number
  exists: boolean
}

function useless(session: Session, which: { unusedForDays: number; kind?: string; id?: number }): Promise<Useless[]> {
  return session.query<Useless>(uselessQuery, [which.unusedForDays, which.kind ?? null, which.id ?? null])
}

const uselessQuery = `
  select * from (
    select d.id, d.name as database, d.kind, d.key, p.oid is not null as exists, case
        when d.state <> 'ready' then format('left behind by process %s on %s', d.creator ->> 'pid', d.creator ->> 'host')
        when p.oid is null or p.oid <> d.oid or p.datconnlimit = -2 then 'dropped by hand'
        when d.kind = 'kept' then case when d.last_used_at <= now() - interval '${keptForDays} days' then 'kept for ${keptForDays} days' end
        when not exists (select from template_db.since_crash s where s.id = d.id) then 'the server has crashed since'
        when d.kind = 'clone' and not exists (
          select from template_db.databases t where t.id = d.template_id and t.state = 'ready'
        ) then 'its template is gone'
        when d.last_used_at <= now() - $1::float8 * interval '1 day' then 'unused for ' || $1::float8 || ' days'
      end as why
      from template_db.databases d left join pg_database p on p.datname = d.name
     where ($2::text is null or d.kind = $2) and ($3::int is null or d.id = $3)
  ) u where why is not null order by id`
