import { escapeIdentifier, escapeLiteral } from 'pg'
import type { Context } from './context.js'
import { dropRegistered } from './drop.js'
import { errors, reasonOf } from './errors.js'
import { lockClass, whileUnused } from './locks.js'
import { keptDatabase } from './names.js'
import type { HeldClone } from './release.js'
import type { Session } from './session.js'

export interface Keep {
  /** What the name shall tell people: its letters and digits, as many as there is room for. */
  label: string
  /** What shall be known about it later: anything that JSON can hold. */
  details?: unknown
}

export interface KeptDatabase {
  database: string
  /** The URL of `openTemplates`, with this database. */
  url: string
}

/** What the registry knows of a clone that was kept. */
export interface KeptInfo {
  database: string
  details: unknown
  keptAt: Date
}

/** Makes of a clone one that is kept: see `Clone.keep`. */
export async function keep(context: Context, held: HeldClone, { label, details = null }: Keep): Promise<string> {
  context.assertLeased()
  const { id, database } = held
  if (held.released) throw errors.KEEP_FAILED({ database, reason: 'it has been given back' })
  const { name, comment } = keptDatabase(label)
  try {
    await context.work(async work => {
      await work.query('select pg_advisory_lock($1, $2)', [lockClass.busy, id])
      await assertOurs(work, held)
      // One transaction: its name in the registry is never another than on the server.
      await work.batch(
        `alter database ${escapeIdentifier(database)} rename to ${escapeIdentifier(name)}`,
        `comment on database ${escapeIdentifier(name)} is ${escapeLiteral(comment)}`,
        `update template_db.databases set kind = 'kept', template_id = null, state = 'ready', last_used_at = now(),
           name = ${escapeLiteral(name)}, comment = ${escapeLiteral(comment)},
           details = ${escapeLiteral(JSON.stringify(details))} where id = ${id}`,
      )
    })
  } catch (cause) {
    context.assertLeased()
    throw errors.KEEP_FAILED({ database, reason: reasonOf(cause) }, { cause })
  }
  held.released = Promise.resolve({ reusable: false, reason: 'it is kept' })
  context.clones.delete(held)
  await context.lease.query('select pg_advisory_unlock($1, $2)', [lockClass.lease, id])
  return name
}

async function assertOurs(work: Session, { oid, database }: HeldClone): Promise<void> {
  const [found] = await work.query('select from pg_database where oid = $1 and datname = $2', [oid, database])
  if (!found) throw new Error('it was dropped or renamed')
}

/** All that are kept, the newest first: see `Templates.listKept`. */
export async function listKept({ lease }: Context): Promise<KeptInfo[]> {
  const rows = await lease.query<Omit<KeptInfo, 'keptAt'> & { keptAt: number }>(
    `select name as database, details, (extract(epoch from last_used_at) * 1000)::int8 as "keptAt"
       from template_db.databases where kind = 'kept' and state = 'ready' order by last_used_at desc`,
  )
  return rows.map(row => ({ ...row, keptAt: new Date(row.keptAt) }))
}

/** See `Templates.dropKept`. */
export async function dropKept(context: Context, database: string): Promise<void> {
  context.assertLeased()
  await context.work(async work => {
    const [row] = await work.query<{ id: number }>(
      `select id from template_db.databases where kind = 'kept' and name = $1`,
      [database],
    )
    if (!row) throw errors.NOT_KEPT({ database, registry: context.registry })
    const done = await whileUnused(work, row.id, async () => ({
      refusal: await dropRegistered(context, work, row.id, { force: false }),
    }))
    const reason = done ? done.refusal?.reason : 'somebody else is dropping it'
    if (reason !== undefined) throw errors.DROP_REFUSED({ database, reason }, { cause: done?.refusal?.cause })
  })
}
