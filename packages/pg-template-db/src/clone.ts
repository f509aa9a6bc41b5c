import { leasedTemplate, type Context, type LeasedTemplate } from './context.js'
import { dropRegistered } from './drop.js'
import type { Template } from './ensure.js'
import { errors, reasonOf, sqlState, type TemplateError } from './errors.js'
import { keep, type Keep, type KeptDatabase } from './keep.js'
import { lockClass, whileUnused } from './locks.js'
import { makeClones } from './make-clones.js'
import { release, type HeldClone, type Release, type Released } from './release.js'
import { withDatabase } from './session.js'
import { visitorsAfter } from './visitors.js'

/** A database that is as its template, and nobody else's until it is released. */
export interface Clone {
  database: string
  /** The URL of `openTemplates`, with this database. */
  url: string
  /** Whether it has been used before. */
  recycled: boolean
  /**
   * Gives it back. It waits for another use if nothing was committed in it and nobody but you was in it; otherwise
   * it is dropped. Sessions that are just closing have a second to go; any that stay are ended.
   *
   * @throws TemplateError DROP_REFUSED, LEASE_LOST
   */
  release: (use: Release) => Promise<Released>
  /**
   * Keeps it as it is for somebody to look at, under another name, instead of giving it back: nobody gets it any more, and no
   * sweep drops it within seven days. All of its sessions must be closed, or closing.
   *
   * @throws TemplateError KEEP_FAILED, LEASE_LOST; it is as it was then
   * @example const { url } = await clone.keep({ label: 'users.test.ts renames' })
   */
  keep: (options: Keep) => Promise<KeptDatabase>
  /**
   * Another one that begins as this one is now, with what was committed in it. Sessions that are just closing have a second to
   * go, and nobody else may be in it. Nobody uses a copy again: it is dropped when it is released.
   *
   * @throws TemplateError COPY_REFUSED, CREATE_FAILED, SETTING_REFUSED, LEASE_LOST
   * @example const copy = await clone.copy()
   */
  copy: () => Promise<Clone>
}

/** Databases made from a template: see `Templates.clone`. */
export async function cloneTemplate(context: Context, of: Pick<Template, 'database'>, count: number): Promise<Clone[]> {
  const template = leasedTemplate(context, of)
  if (!Number.isInteger(count) || count < 1) {
    throw errors.INVALID_OPTION({ option: 'count', problem: `${count} is not a positive whole number` })
  }
  const { claimed, unfit, abandoned } = await claim(context, template, count)
  for (const held of claimed) context.clones.add(held)
  const dropping = dropUseless(context, unfit, abandoned)
  try {
    const created = claimed.length < count ? await makeClones(context, template, { count: count - claimed.length }) : []
    for (const held of created) context.clones.add(held)
    return [...claimed.map(held => cloneOf(context, held, true)), ...created.map(held => cloneOf(context, held, false))]
  } catch (error) {
    await Promise.all(claimed.map(held => release(context, held, { sessions: 0, clean: true }).catch(() => {})))
    throw error
  } finally {
    await dropping
  }
}

function cloneOf(context: Context, held: HeldClone, recycled: boolean): Clone {
  return {
    database: held.database,
    url: withDatabase(context.url, held.database),
    recycled,
    release: use => release(context, held, use),
    keep: async options => {
      const database = await keep(context, held, options)
      return { database, url: withDatabase(context.url, database) }
    },
    copy: async () => cloneOf(context, await copyClone(context, held), false),
  }
}

/** See `Clone.copy`. */
async function copyClone(context: Context, held: HeldClone): Promise<HeldClone> {
  context.assertLeased()
  const { oid, database, template } = held
  const refused = (reason: string, cause?: unknown) => errors.COPY_REFUSED({ database, reason }, { cause })
  if (held.released) throw refused('it has been given back')
  const visitors = await visitorsAfter(context.lease, { oid, milliseconds: 1000 })
  if (visitors.length > 0) throw refused(`somebody is in it: ${visitors.join('; ')}`)
  try {
    const from = { oid, database, key: template.key }
    const [copy] = (await makeClones(context, template, { count: 1, from })) as [HeldClone]
    copy.isCopy = true
    context.clones.add(copy)
    return copy
  } catch (error) {
    const { cause } = error as TemplateError
    // object_in_use: somebody has come in since, or a transaction is prepared
    if (sqlState(cause) === '55006') throw refused(reasonOf(cause), cause)
    if ((error as TemplateError).code === 'TEMPLATE_GONE') throw refused('it was dropped or renamed', cause)
    throw error
  }
}

interface Claim {
  claimed: HeldClone[]
  /** Ours now, and not as the template any more. */
  unfit: HeldClone[]
  /** Row ids of clones that somebody left behind. */
  abandoned: number[]
}

/** Takes clones that wait, in one round trip. */
async function claim(context: Context, template: LeasedTemplate, count: number): Promise<Claim> {
  const [rows, counters, abandoned] = (await context.lease.batch(
    claimQuery(template.id, count),
    sessionsQuery(template.id),
    abandonedQuery(template.id),
  )) as [ClaimedRow[], { oid: number; sessions: number }[], { id: number }[]]
  const sessions = new Map(counters.map(counter => [counter.oid, counter.sessions]))
  const result: Claim = { claimed: [], unfit: [], abandoned: abandoned.map(row => row.id) }
  for (const row of rows) {
    if (row.id === null) {
      await context.lease.query('select pg_advisory_unlock($1, $2)', [lockClass.lease, row.locked])
      continue
    }
    const held: HeldClone = { id: row.id, oid: row.oid, database: row.name, sessions: row.sessions, template }
    const asLeft = row.good && !row.visited && sessions.get(row.oid) === row.sessions
    result[asLeft ? 'claimed' : 'unfit'].push(held)
  }
  return result
}

interface ClaimedRow {
  locked: number
  /** Null if another process was quicker. */
  id: number | null
  oid: number
  name: string
  sessions: number
  /** It exists, and the server has not crashed since it was made. */
  good: boolean
  visited: boolean
}

// LIMIT stops as soon as there are enough, so that no lock is taken in vain; both CTEs are materialized for that.
// The UPDATE reads the newest version of a row, so that a clone which has changed hands since the snapshot is left out.
const claimQuery = (template: number, count: number) => `
  with waiting as materialized (
    select id from template_db.databases where kind = 'clone' and template_id = ${template} and state = 'ready' order by id
  ), locked as materialized (
    select id from waiting where pg_try_advisory_lock(${lockClass.lease}, id) limit ${count}
  ), claimed as (
    update template_db.databases d set state = 'used', last_used_at = now()
      from locked where d.id = locked.id and d.state = 'ready' returning d.*
  )
  select locked.id as locked, c.id, c.oid, c.name, c.sessions,
    exists (select from pg_database p where p.oid = c.oid and p.datname = c.name and p.datconnlimit <> -2)
      and exists (select from template_db.since_crash s where s.id = c.id) as good,
    exists (select from pg_stat_activity a where a.datid = c.oid and a.usesysid is not null) as visited
  from locked left join claimed c on c.id = locked.id
  order by c.id`

// A statement of its own after the look at pg_stat_activity: a session that is not seen there has been counted, see
// release.ts.
const sessionsQuery = (template: number) => `
  select datid as oid, sessions from pg_stat_database
   where datid in (select oid from template_db.databases where kind = 'clone' and template_id = ${template})`

const abandonedQuery = (template: number) => `
  select id from template_db.databases d
   where kind = 'clone' and template_id = ${template} and state <> 'ready'
     and not exists (
       select from pg_locks l where l.locktype = 'advisory' and l.objid = d.id::oid
          and l.classid in (${lockClass.lease}, ${lockClass.busy})
          and l.database = (select oid from pg_database where datname = current_database()))`

/** Best effort: whatever cannot be dropped stays registered, and sweep() says why. */
async function dropUseless(context: Context, unfit: HeldClone[], abandoned: number[]): Promise<void> {
  await Promise.all(
    [
      ...unfit.map(held => release(context, held, { sessions: 0, clean: false })),
      ...abandoned.map(id => dropAbandoned(context, id)),
    ].map(drop => drop.catch(() => {})),
  )
}

async function dropAbandoned(context: Context, id: number): Promise<void> {
  await context.work(work =>
    whileUnused(work, id, async () => {
      // It may have been released between the look and the lock.
      const [row] = await work.query(`select from template_db.databases where id = $1 and state <> 'ready'`, [id])
      if (row) await dropRegistered(context, work, id, { force: true })
    }),
  )
}
