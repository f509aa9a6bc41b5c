import { assertGuarded, type GuardedSession } from '@seedbed/environments/guard'
import { hasTable } from '../structure/has-table.js'
import { applicationSchema, notOfExtension } from '../structure/structure.js'
import { resetErrors } from './errors.js'

/** What is gone. */
export interface SchemaReset {
  /** As the server calls them: `table public.users`, `schema shop`. What hung on them went with them. */
  dropped: string[]
}

/**
 * Empties a database: all that is in the application's schemas goes, and Seedbed's notes of what the database has had. The marker,
 * extensions with what they have brought, grants on `public` and the database's own settings stay, which a migration could not make
 * anew without an administrator. It is one transaction: what is interrupted, or refused in the middle, has changed nothing.
 *
 * @throws SeedbedError GUARD_NOT_GUARDED, RESET_FAILED
 * @example
 * await using session = await openGuarded(target, 'reset', options)
 * const { dropped } = await resetSchema(session)
 */
export async function resetSchema(session: GuardedSession<'reset'>): Promise<SchemaReset> {
  assertGuarded(session, 'reset')
  await session.query('begin')
  try {
    const { rows } = await session.query<{ object: string; drop: string }>(objectsQuery)
    // Dropping the first may take others along.
    for (const { drop } of rows) await session.query(drop)
    await session.query(largeObjects)
    await session.query('update only seedbed.marker set schema_version = null')
    for (const table of ['migrations', 'prepared']) {
      if (await hasTable(session, 'seedbed', table)) await session.query(`delete from seedbed.${table}`)
    }
    await session.query('commit')
    return { dropped: rows.map(({ object }) => object) }
  } catch (cause) {
    await session.query('rollback').catch(() => {}) // the connection is gone: the server has rolled back
    const { environment, name } = session
    throw resetErrors.RESET_FAILED({ environment: environment.name, name, reason: (cause as Error).message }, { cause })
  }
}

// The role unlinks those that it may; others' are not the application's.
const largeObjects = `select lo_unlink(l.oid) from pg_largeobject_metadata l where pg_has_role(l.lomowner, 'member')`

/**
 * A schema goes as a whole, but for `public` and one that an extension lives in: of those goes what directly belongs to the schema.
 * pg_identify_object writes the names (manual 9.27.4); few kinds are called otherwise in DROP.
 */
const objectsQuery = `
  with schemas as (select oid, nspname from pg_namespace n where ${applicationSchema('nspname')}
    and ${notOfExtension("'pg_namespace'::regclass", 'n.oid')}),
  kept as (
    select oid from schemas where nspname = 'public'
    union select e.extnamespace from pg_extension e
  ),
  objects as (
    select i.type, i.identity, case i.type when 'statistics object' then 'statistics' when 'composite type' then 'type' else i.type end as kind
    from pg_depend d, pg_identify_object(d.classid, d.objid, 0) i
    where d.refclassid = 'pg_namespace'::regclass and d.refobjid in (select oid from kept intersect select oid from schemas)
      and d.deptype = 'n' and i.type not in ('default acl', 'extension', 'publication namespace')
      and ${notOfExtension('d.classid', 'd.objid')}
    union all
    select 'schema', quote_ident(nspname), 'schema' from schemas where oid not in (select oid from kept)
  )
  select concat(type, ' ', identity) as object,
    concat('drop ', kind, ' if exists ', identity, ' cascade') as drop
  from objects order by kind <> 'schema', identity`
