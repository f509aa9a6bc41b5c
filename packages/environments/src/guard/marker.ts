import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { userName } from '../audit/audit.js'
import type { Tier } from '../config.js'
import { guardErrors } from './errors.js'
import type { Identity } from './identity.js'
import type { Session } from './session.js'

/** Whose a database is. */
export interface Owner {
  project: string
  environment: string
  tier: Tier
  /** The base name: `main`. */
  database: string
}

/** What the row in `seedbed.marker` says: which environment a database belongs to, and for which database it was made. */
export interface Marker extends Owner {
  /** Random; a physical copy gets another one when it is claimed. */
  id: string
  systemIdentifier: string
  databaseOid: number
  schemaVersion: string | null
  /** As the server writes it: `2026-11-22 03:49:41.617+00`. */
  markedAt: string
  /** `ada@laptop`. */
  markedBy: string
}

export type MarkerFound = { marker: Marker } | { missing: true } | { strange: string }

/**
 * Reads the marker of the session's database. What is not a plain table with the columns that Seedbed has made and one
 * row in it may show anything, and is called strange. So is what the role may not read.
 */
export async function readMarker(session: Session): Promise<MarkerFound> {
  const { rows } = await session.query<{ kind: string; problem: string | null; columns: string }>(relationQuery)
  const [table] = rows
  if (!table) return { missing: true }
  if (table.kind !== 'r') return { strange: 'it is not a table' }
  if (table.problem !== null) return { strange: table.problem }
  if (table.columns !== columns.join(', ')) return { strange: 'it has other columns' }
  try {
    const { rows } = await session.query<Omit<Marker, 'databaseOid'> & { databaseOid: string }>(markerQuery)
    const [row] = rows
    if (!row || rows.length > 1) return { strange: `it has ${rows.length} rows` }
    return { marker: { ...row, databaseOid: Number(row.databaseOid) } }
  } catch (error) {
    return { strange: (error as Error).message }
  }
}

/**
 * Writes the marker for the session's database in one transaction, in the place of any other. It gets a new id.
 *
 * @throws SeedbedError GUARD_MARKER_UNWRITABLE
 */
export async function writeMarker(session: Session, owner: Owner, identity: Identity): Promise<Marker> {
  await session.query('begin')
  try {
    await session.query('create schema if not exists seedbed')
    await session.query(markerTable)
    // It holds no secret, and every role that works here has to find it.
    await session.query('grant usage on schema seedbed to public')
    await session.query('grant select on seedbed.marker to public')
    await session.query('delete from seedbed.marker')
    await session.query(
      `insert into seedbed.marker (id, project, environment, tier, database, system_identifier, database_oid, marked_at, marked_by)
        values ($1, $2, $3, $4, $5, $6, $7, pg_catalog.now(), $8)`,
      [
        randomUUID(),
        owner.project,
        owner.environment,
        owner.tier,
        owner.database,
        identity.systemIdentifier,
        identity.databaseOid,
        `${userName()}@${hostname()}`,
      ],
    )
    const found = await readMarker(session)
    if (!('marker' in found)) throw new Error(`The marker that was written is not to be read: ${JSON.stringify(found)}`)
    await session.query('commit')
    return found.marker
  } catch (error) {
    await session.query('rollback').catch(() => {})
    const { environment } = owner
    throw guardErrors.GUARD_MARKER_UNWRITABLE({
      environment,
      name: identity.database,
      reason: (error as Error).message,
    })
  }
}

// Types are written with their schema: a type of the same name in another schema could be anything.
const markerTable = `
  create table if not exists seedbed.marker (
    id pg_catalog.uuid not null,
    project pg_catalog.text not null,
    environment pg_catalog.text not null,
    tier pg_catalog.text not null,
    database pg_catalog.text not null,
    schema_version pg_catalog.text,
    system_identifier pg_catalog.text not null,
    database_oid pg_catalog.oid not null,
    marked_at pg_catalog.timestamptz not null,
    marked_by pg_catalog.text not null
  )`

const columns = [
  'id uuid',
  'project text',
  'environment text',
  'tier text',
  'database text',
  'schema_version text',
  'system_identifier text',
  'database_oid oid',
  'marked_at timestamp with time zone',
  'marked_by text',
]

// What can stand between a table and who reads it.
const relationQuery = `
  select
    c.relkind::pg_catalog.text as kind,
    case
      when c.relrowsecurity or c.relforcerowsecurity then 'it has row security'
      when c.relhasrules then 'it has a rule'
      when c.relpersistence operator(pg_catalog.<>) 'p' then 'it is not permanent'
      when exists (select from pg_catalog.pg_inherits i
        where c.oid operator(pg_catalog.=) i.inhparent or c.oid operator(pg_catalog.=) i.inhrelid) then 'it inherits'
      when exists (select from pg_catalog.pg_attribute a where a.attrelid operator(pg_catalog.=) c.oid
        and a.attgenerated operator(pg_catalog.<>) '') then 'a column of it is computed'
    end as problem,
    (
      select pg_catalog.string_agg(
        pg_catalog.concat(a.attname, ' ', pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
      from pg_catalog.pg_attribute a
      where a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
    ) as columns
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
  where n.nspname operator(pg_catalog.=) 'seedbed' and c.relname operator(pg_catalog.=) 'marker'`

const markerQuery = `
  select id::pg_catalog.text as id, project, environment, tier, database, schema_version as "schemaVersion",
    system_identifier as "systemIdentifier", database_oid::pg_catalog.text as "databaseOid",
    marked_at::pg_catalog.text as "markedAt", marked_by as "markedBy"
  from only seedbed.marker`
