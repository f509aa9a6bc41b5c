import type { Session } from './session.js'

/** What is in a database, as its statistics tell: estimates, for people to recognise it by. */
export interface Contents {
  /** In the application's schemas. */
  tables: number
  rows: number
  bytes: number
  /** Up to ten, by size. */
  largest: { table: string; rows: number; bytes: number }[]
  /** The last time that a table was read, analysed or vacuumed, as far as the server remembers: `2026-11-22 03:49:41+00`. */
  lastUsed: string | null
  /** How many sessions other than this one are in it. */
  sessions: number
}

/** Looks what is in the session's database. Nothing is locked for longer than a look, and no table is read. */
export async function contentsOf(session: Pick<Session, 'query'>): Promise<Contents> {
  const { rows } = await session.query<{ contents: string }>(contentsQuery)
  return JSON.parse(rows[0]!.contents) as Contents
}

// last_seq_scan and last_idx_scan are there since PostgreSQL 16, hence as JSON: what is not there is null.
const contentsQuery = `
  with tables as (
    select pg_catalog.concat(n.nspname, '.', c.relname) as "table", greatest(c.reltuples, 0)::pg_catalog.int8 as rows,
      pg_catalog.pg_total_relation_size(c.oid) as bytes, pg_catalog.to_jsonb(s) as used
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
      left join pg_catalog.pg_stat_all_tables s on s.relid operator(pg_catalog.=) c.oid
    where c.relkind operator(pg_catalog.=) any ('{r,m}') and n.nspname operator(pg_catalog.<>) all ('{pg_catalog,information_schema,seedbed}')
      and n.nspname operator(pg_catalog.!~~) 'pg\\_%'
  )
  select pg_catalog.json_build_object(
    'tables', (select pg_catalog.count(*) from tables),
    'rows', (select coalesce(pg_catalog.sum(rows), 0) from tables),
    'bytes', pg_catalog.pg_database_size(pg_catalog.current_database()),
    'largest', (select coalesce(pg_catalog.json_agg(l), '[]')
      from (select "table", rows, bytes from tables order by bytes desc, "table" limit 10) l),
    'lastUsed', (select pg_catalog.max(at::pg_catalog.timestamptz)::pg_catalog.text
      from tables, lateral pg_catalog.jsonb_each_text(used) each(name, at)
      where name operator(pg_catalog.~) '^last_'),
    'sessions', (select pg_catalog.count(*) from pg_catalog.pg_stat_activity
      where datname operator(pg_catalog.=) pg_catalog.current_database() and pid operator(pg_catalog.<>) pg_catalog.pg_backend_pid())
  )::pg_catalog.text as contents`
