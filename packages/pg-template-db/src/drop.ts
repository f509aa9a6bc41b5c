import { escapeIdentifier, escapeLiteral } from 'pg'
import type { Context } from './context.js'
import { reasonOf, sqlState } from './errors.js'
import type { DatabaseKind } from './registry.js'
import { openSession, type Session } from './session.js'
import { endIdle } from './visitors.js'

interface Facts {
  name: string
  kind: DatabaseKind
  owner: string
  oid: number | null
  comment: string
  /** The database of that name, if there is one. */
  foundOid: number | null
  foundOwner: string
  foundComment: string | null
  isTemplate: boolean
  /** A DROP DATABASE that was interrupted left it unusable; all that can be done is to drop it. */
  invalid: boolean
  /** The database with the recorded oid, where that is another one. */
  renamedTo: string | null
  /** A template that was ready once. */
  finished: boolean
  prepared: string[]
}

/** Why a database was not dropped. */
interface Refusal {
  reason: string
  cause?: unknown
}

/**
 * Drops a registered database if the registry and the server's catalog together prove that it is ours, and forgets it.
 * The caller holds its locks: `busy` by `work`, the session that DROP DATABASE runs on, and its lease.
 *
 * @param force ends the sessions in it, but never those in a finished template: somebody looks at it on purpose.
 *   Without, PostgreSQL waits up to 5 seconds for them to end by themselves.
 * @returns why not; then its row stays, so that the next sweep tries again
 */
export async function dropRegistered(
  context: Context,
  work: Session,
  id: number,
  { force }: { force: boolean },
): Promise<Refusal | undefined> {
  const [facts] = await work.query<Facts>(factsQuery, [id])
  if (!facts) return undefined
  const strange = notOurs(facts)
  if (strange) return { reason: strange }
  try {
    if (facts.foundOid !== null) {
      await context.authorize('drop', facts.name)
      await work.query(`update template_db.databases set state = 'dropping' where id = $1`, [id])
      if (facts.prepared.length > 0) await rollbackPrepared(context, facts)
      const name = escapeIdentifier(facts.name)
      if (facts.kind === 'template' && !facts.finished) await endIdle(work, { oid: facts.foundOid })
      if (facts.isTemplate && !facts.invalid) await work.query(`alter database ${name} is_template false`)
      if (force && !facts.finished) await dropByForce(work, { name, oid: facts.foundOid })
      else await work.query(`drop database ${name}`)
    }
    await work.query('delete from template_db.databases where id = $1', [id])
  } catch (cause) {
    if (work.lost()) throw cause
    // Somebody looks at it, and shall find it as before.
    await work.query(`update template_db.databases set state = 'ready' where id = $1 and kind = 'kept'`, [id])
    return { reason: reasonOf(cause), cause }
  }
  return undefined
}

/**
 * With FORCE the server looks whether the role may end each process in the database, which is true of autovacuum's for superusers
 * alone (in PostgreSQL's sources TerminateOtherDBBackends). Without, it ends autovacuum by itself, and waits for all others.
 *
 * @param database its name as an identifier
 */
async function dropByForce(work: Session, { name, oid }: { name: string; oid: number }): Promise<void> {
  try {
    await work.query(`drop database ${name} with (force)`)
  } catch (error) {
    // insufficient_privilege
    if (sqlState(error) !== '42501') throw error
    const clients = await work.query<{ may: boolean; pid: number }>(clientsQuery, [oid])
    if (!clients.every(({ may }) => may)) throw error
    await work.query('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [clients.map(({ pid }) => pid)])
    await work.query(`drop database ${name}`)
  }
}

const clientsQuery = `
  select pid, pg_has_role(usesysid, 'usage') as may from pg_stat_activity where datid = $1 and usesysid is not null`

const factsQuery = `
  select d.name, d.kind, d.owner, d.oid, d.comment,
    p.oid as "foundOid", pg_get_userbyid(p.datdba)::text as "foundOwner",
    shobj_description(p.oid, 'pg_database') as "foundComment",
    (d.kind = 'template' and d.sequences is not null) as finished,
    p.datistemplate as "isTemplate", p.datconnlimit = -2 as invalid,
    (select datname::text from pg_database r where r.oid = d.oid and r.datname <> d.name) as "renamedTo",
    (select coalesce(json_agg(gid), '[]') from pg_prepared_xacts x where x.database = d.name) as prepared
  from template_db.databases d left join pg_database p on p.datname = d.name
  where d.id = $1`

/** Why a database is not the one that we made, or may not be. */
function notOurs(facts: Facts): string | undefined {
  if (facts.renamedTo !== null) return `it was renamed to "${facts.renamedTo}"`
  if (facts.foundOid === null) return undefined
  if (facts.oid !== null && facts.foundOid !== facts.oid) {
    return `it is not the database that was made here: its oid is ${facts.foundOid}, and ${facts.oid} is registered`
  }
  if (facts.oid === null && facts.foundOwner !== facts.owner) {
    return `its owner is "${facts.foundOwner}", and "${facts.owner}" is registered`
  }
  if (facts.foundComment !== null && facts.foundComment !== facts.comment) {
    return 'its comment is not the one that was given to it here'
  }
  return undefined
}

/** A transaction that a test has prepared outlives every session, and keeps its database from being dropped. */
async function rollbackPrepared(context: Context, facts: Facts): Promise<void> {
  const session = await openSession(context.url, facts.name)
  try {
    for (const gid of facts.prepared) await session.query(`rollback prepared ${escapeLiteral(gid)}`)
  } finally {
    await session.close()
  }
}
