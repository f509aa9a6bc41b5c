import { escapeIdentifier, escapeLiteral } from 'pg'
import { createRegistered, creator } from './create.js'
import { leasedTemplate, type Context, type LeasedTemplate } from './context.js'
import { copySettings, settingsOf } from './copy-settings.js'
import { dropRegistered } from './drop.js'
import { errors, reasonOf, sqlState, TemplateError } from './errors.js'
import { lockClass, lockKey, whileUnused, type BuildHolder } from './locks.js'
import { newDatabase } from './names.js'
import { readSequences } from './read-sequences.js'
import { restoreSequences, type SequenceState } from './sequences.js'
import { openSession, withDatabase, type Session } from './session.js'
import { visitorsAfter } from './visitors.js'

/** A database that was built once for a key. It takes no connections; `clone` copies it. Plain JSON. */
export interface Template<Details = unknown> {
  key: string
  database: string
  /** What `build` returned, as JSON keeps it. */
  details: Details
  /** Whether this call has built it. */
  built: boolean
  /** How long this call took. */
  milliseconds: number
  /** Where every sequence stands; for `restoreSequences`. */
  sequences: SequenceState[]
}

export interface TemplateRequest<Details> {
  /** What the template is made of, usually a hash of it; up to 1000 bytes. */
  key: string
  /**
   * A template of this handle that the new one begins as a copy of, with its settings and grants, instead of empty. The key
   * does not cover it: put into the key what it is made of.
   */
  from?: Pick<Template, 'database'>
  /**
   * Fills the new database, and returns what shall be known about it later: anything that JSON can hold. All of
   * its sessions must be closed when it resolves. If it throws, the database is dropped and the error goes on.
   */
  build: (target: BuildTarget) => Promise<Details>
}

export interface BuildTarget {
  database: string
  /** The URL of `openTemplates`, with this database. */
  url: string
}

/** Somebody else builds the template that is asked for. */
export interface BuildWait {
  key: string
  /** Who builds; undefined if it has just finished, or failed. */
  holder: BuildHolder | undefined
  /** How long has been waited so far. */
  milliseconds: number
}

/** The template for a key, built first if there is none: see `Templates.ensure`. */
export async function ensure<Details>(context: Context, request: TemplateRequest<Details>): Promise<Template<Details>> {
  const started = performance.now()
  const { key } = request
  checkKey(key)
  const from = request.from && leasedTemplate(context, request.from)
  const template = (found: LeasedRow, built: boolean): Template<Details> => ({
    key,
    database: found.name,
    details: found.details as Details,
    built,
    milliseconds: performance.now() - started,
    sequences: found.sequences,
  })
  const ready = await leaseReady(context, key)
  if (ready) return template(ready, false)

  const work = await context.openWork()
  try {
    await lockKey({ work, lease: context.lease }, key, (holder, milliseconds) =>
      context.onWait?.({ key, holder, milliseconds }),
    )
    const readyNow = await leaseReady(context, key)
    if (readyNow) return template(readyNow, false)
    await dropLeftovers(context, work, key)
    await buildTemplate(context, work, request, from)
    const built = await leaseReady(context, key)
    if (built) return template(built, true)
    throw errors.TEMPLATE_GONE({ database: 'just built', key, reason: 'it vanished as soon as it was built.' })
  } finally {
    await work.close()
  }
}

interface LeasedRow {
  id: number
  oid: number
  name: string
  details: unknown
  sequences: SequenceState[]
}

/** Leases a finished template in one round trip; undefined if there is none, or none that is still good. */
async function leaseReady(context: Context, key: string): Promise<LeasedRow | undefined> {
  const leased = await context.lease.query<LeasedRow & { locked: number }>(leaseQuery, [key, context.owner])
  let found: LeasedRow | undefined
  for (const row of leased) {
    if (row.id !== null) found = row
    else await context.lease.query('select pg_advisory_unlock_shared($1, $2)', [lockClass.lease, row.locked])
  }
  if (!found) return undefined
  const { id, oid, name: database, sequences } = found
  context.templates.set(database, { id, oid, database, key, owner: context.owner, sequences })
  return found
}

// Looks, locks, and looks again: the UPDATE reads the newest version of the row, which may be younger than the snapshot
// that `found` was read with. https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED
const leaseQuery = `
  with found as materialized (
    select d.id
      from template_db.databases d
      join template_db.since_crash using (id)
      join pg_database p on p.oid = d.oid and p.datname = d.name and p.datconnlimit <> -2
     where d.kind = 'template' and d.state = 'ready' and d.key = $1 and d.owner = $2
  ), locked as materialized (
    select id from found where pg_try_advisory_lock_shared(${lockClass.lease}, id)
  ), leased as (
    update template_db.databases d set last_used_at = now()
      from locked where d.id = locked.id and d.state = 'ready' returning d.*
  )
  select locked.id as locked, leased.id, leased.oid, leased.name, leased.details, leased.sequences
    from locked left join leased on leased.id = locked.id`

/**
 * With the key's lock in hand and no template that is good: whatever is registered for the key was left half-built, was
 * dropped by hand or is from before a crash of the server, and so are its clones. What others still use stays for a sweep.
 */
async function dropLeftovers(context: Context, work: Session, key: string): Promise<void> {
  const values = [key, context.owner]
  await work.query(
    `update template_db.databases set state = 'dropping'
      where kind = 'template' and state = 'ready' and key = $1 and owner = $2`,
    values,
  )
  const rows = await work.query<{ id: number }>(
    `select id from template_db.databases where kind <> 'kept' and key = $1 and owner = $2 order by id`,
    values,
  )
  for (const { id } of rows) {
    await whileUnused(work, id, () => dropRegistered(context, work, id, { force: true }))
  }
}

async function buildTemplate(
  context: Context,
  work: Session,
  { key, build }: TemplateRequest<unknown>,
  from: LeasedTemplate | undefined,
): Promise<void> {
  const { name, comment } = newDatabase('template', key)
  await context.authorize('create', name)
  // The lock is taken before the row is committed, so that nobody sees the row without it.
  const [row] = await work.query<{ id: number }>(
    `with made as (
       insert into template_db.databases (name, kind, key, owner, state, comment, creator)
       values ($1, 'template', $2, $3, 'creating', $4, $5) returning id
     ) select id, pg_advisory_lock(${lockClass.busy}, id) from made`,
    [name, key, context.owner, comment, creator],
  )
  const id = row?.id as number
  try {
    const registered = { id, name, owner: context.owner, comment }
    await createRegistered(context, work, registered, { from, state: 'building' })
    if (from) await copySettings(work, registered, await settingsOf(context.lease, from.oid))
    const details = toJson(key, await build({ database: name, url: withDatabase(context.url, name) }))
    const sequences = await closeToOthers(context, work, { key, name })
    await work.batch(
      // build() may have set its own comment.
      `comment on database ${escapeIdentifier(name)} is ${escapeLiteral(comment)}`,
      `update template_db.databases set state = 'ready', last_used_at = now(), details = ${escapeLiteral(details)},
         sequences = ${escapeLiteral(JSON.stringify(sequences))} where id = ${id}`,
    )
  } catch (error) {
    // Not by force: to lose its connections could end this process before it has shown the error.
    if (!(error instanceof TemplateError && error.code === 'BUILD_LEFT_SESSIONS')) {
      await dropRegistered(context, work, id, { force: false }).catch(() => {})
    }
    throw error
  }
}

/** From here on nobody can connect to the template any more; whoever still is has two seconds to leave. */
async function closeToOthers(
  context: Context,
  work: Session,
  { key, name }: { key: string; name: string },
): Promise<SequenceState[]> {
  const last = await openSession(context.url, name)
  try {
    await work.query(`alter database ${escapeIdentifier(name)} allow_connections false is_template true`)
    const [self] = await last.query<{ pid: number; oid: number }>(
      'select pg_backend_pid() as pid, oid from pg_database where datname = current_database()',
    )
    const sessions = await visitorsAfter(work, { oid: self?.oid ?? 0, except: self?.pid, milliseconds: 2000 })
    if (sessions.length > 0) throw errors.BUILD_LEFT_SESSIONS({ database: name, key, sessions })
    const sequences = await readSequences(last)
    // Changes nothing: better to learn here than at every release that they cannot be set back.
    await restoreSequences(last, sequences)
    return sequences
  } catch (cause) {
    if (sqlState(cause) === '42501') {
      throw errors.SEQUENCES_FORBIDDEN({ database: name, key, reason: reasonOf(cause) }, { cause })
    }
    throw cause
  } finally {
    await last.close()
  }
}

function toJson(key: string, details: unknown): string {
  try {
    return JSON.stringify(details ?? null)
  } catch (cause) {
    throw errors.DETAILS_NOT_JSON({ key, reason: reasonOf(cause) }, { cause })
  }
}

function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key)
  if (bytes === 0) throw errors.INVALID_OPTION({ option: 'key', problem: 'it is empty' })
  if (bytes > 1000) throw errors.INVALID_OPTION({ option: 'key', problem: `it has ${bytes} bytes; 1000 is the limit` })
  if (key.includes('\0')) throw errors.INVALID_OPTION({ option: 'key', problem: 'it holds a NUL character' })
}
