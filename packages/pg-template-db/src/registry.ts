import { setTimeout as pause } from 'node:timers/promises'
import { defaults, escapeIdentifier } from 'pg'
import type { Authorize } from './context.js'
import { errors, reasonOf, sqlState } from './errors.js'
import { openSession, type Session } from './session.js'

interface RegistryOptions {
  url: string
  registry: string
  authorize: Authorize
  pooler: boolean
}

interface OpenedRegistry {
  session: Session
  /** The role that the URL's sessions act as. */
  role: string
}

/** Raised when a table changes; a registry of another format is refused. */
const format = 2

export type DatabaseKind = 'template' | 'clone' | 'kept'

/**
 * A session in the registry, which is made first where it is missing. Many processes may do this at the same moment,
 * and any of them may be killed: whoever comes next goes on from where it stopped.
 *
 * @throws TemplateError REGISTRY_NOT_OURS, REGISTRY_FORMAT, REGISTRY_FORBIDDEN, CONNECTION_FAILED, CREATE_FAILED
 */
export async function openRegistry(options: RegistryOptions): Promise<OpenedRegistry> {
  const session = await connectOrCreate(options)
  try {
    const found = (await upgraded(session, await look(session))) ?? (await prepare(session, options.registry))
    if (found.version !== format) {
      throw errors.REGISTRY_FORMAT({ registry: options.registry, found: found.version, known: format })
    }
    return { session, role: found.role }
  } catch (error) {
    await session.close()
    throw sqlState(error) === '42501' ? forbidden(options, error) : error
  }
}

async function connectOrCreate(options: RegistryOptions): Promise<Session> {
  // PgBouncer remembers a log-in that failed, and lets nobody into that database for 15 seconds.
  if (options.pooler && !(await exists(options))) await create(options)
  for (;;) {
    try {
      return await openSession(options.url, options.registry)
    } catch (error) {
      const state = sqlState((error as Error).cause)
      if (state === '42501') throw forbidden(options, (error as Error).cause)
      if (state !== '3D000') throw error // invalid_catalog_name: there is no such database
    }
    await create(options)
  }
}

async function exists({ url, registry }: RegistryOptions): Promise<boolean> {
  const session = await openSession(url)
  try {
    return (await session.query('select from pg_database where datname = $1', [registry])).length > 0
  } finally {
    await session.close()
  }
}

async function create({ url, registry, authorize }: RegistryOptions): Promise<void> {
  await authorize('create', registry)
  const session = await openSession(url)
  try {
    // From template0, so that nothing that was put into template1 is in the way, and in UTF8 for any key.
    await session.query(
      `create database ${escapeIdentifier(registry)} template template0 encoding 'UTF8' locale_provider libc locale 'C'`,
    )
  } catch (cause) {
    const state = sqlState(cause)
    // duplicate_database; unique_violation where another process was done between our look and our insert
    if (state === '42P04' || state === '23505') return
    if (state === '55006') return await pause(100) // object_in_use: somebody creates from template0 or alters it
    const role = roleOf(url)
    throw errors.CREATE_FAILED({ database: registry, role, owner: role, reason: reasonOf(cause) }, { cause })
  } finally {
    await session.close()
  }
}

/** What is there; undefined where there is no table of ours yet. */
async function look(session: Session): Promise<{ version: number; role: string } | undefined> {
  try {
    const rows = await session.query<{ version: number; role: string }>(
      'select version, current_user::text as role from template_db.format',
    )
    return rows[0]
  } catch (error) {
    if (sqlState(error) === '42P01') return undefined // undefined_table
    throw error
  }
}

/** Format 1 knew of no databases that are kept. */
async function upgraded<Found extends { version: number }>(
  session: Session,
  found: Found | undefined,
): Promise<Found | undefined> {
  if (found?.version !== 1) return found
  await session.batch(
    `lock template_db.format`,
    `alter table template_db.databases drop constraint databases_kind_check, add ${kindCheck}`,
    `update template_db.format set version = 2 where version = 1`,
  )
  return { ...found, version: 2 }
}

/** Makes the tables in one transaction, one process at a time, if there is nothing else in the database. */
async function prepare(session: Session, registry: string): Promise<{ version: number; role: string }> {
  await session.query('select pg_advisory_lock(0, 0)')
  const made = await look(session)
  if (!made) {
    await refuseStranger(session, registry)
    await session.batch(
      `create schema template_db`,
      `create table template_db.format (version integer not null)`,
      `insert into template_db.format values (${format})`,
      databases,
      `create unique index one_ready_template on template_db.databases (key, owner)
         where kind = 'template' and state = 'ready'`,
      `create index clones_of_template on template_db.databases (template_id) where kind = 'clone'`,
      sinceCrash,
      // Whoever connects could take our locks.
      `revoke connect, temporary on database ${escapeIdentifier(registry)} from public`,
    )
  }
  await session.query('select pg_advisory_unlock(0, 0)')
  return made ?? ((await look(session)) as { version: number; role: string })
}

/** Initdb's databases are everybody's, and may be empty all the same. */
const ofInitdb = new Set(['postgres', 'template0', 'template1'])

async function refuseStranger(session: Session, registry: string): Promise<void> {
  if (ofInitdb.has(registry)) throw errors.REGISTRY_NOT_OURS({ registry, found: "what is initdb's" })
  const [found] = await session.query<{ relation: string }>(
    `select c.oid::regclass::text as relation from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' limit 1`,
  )
  if (found) throw errors.REGISTRY_NOT_OURS({ registry, found: found.relation })
}

const kindCheck = `constraint databases_kind_check check (kind in ('template', 'clone', 'kept'))`

/**
 * One row for each database that we make, committed before CREATE DATABASE is sent.
 * - creating: there may be a database of that name, and nothing else is known
 * - building: a template that `build` works on
 * - ready: a template that may be cloned; a clone that is as its template, and waits; one that is kept for people
 * - used: a clone that was handed out; only an orderly release makes it ready again
 * - dropping: not used any more
 * Whatever is not ready, and has no lease, was left behind by a process that died.
 *
 * `sessions` is the server's count of the sessions that a ready clone has had, so that nobody comes in unnoticed.
 */
const databases = `create table template_db.databases (
  id integer generated always as identity primary key,
  name text not null unique,
  kind text not null,
  template_id integer check ((kind = 'clone') = (template_id is not null)),
  key text not null,
  owner text not null,
  state text not null check (state in ('creating', 'building', 'ready', 'used', 'dropping')),
  comment text not null,
  oid oid,
  creator jsonb not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  details json,
  sequences json,
  sessions bigint not null default 0,
  ${kindCheck}
)`

// PostgreSQL empties unlogged tables when it recovers from a crash, in templates and clones as well as here. So a
// database that is not listed here any more may have lost rows, and is built anew.
// https://www.postgresql.org/docs/current/sql-createtable.html, UNLOGGED
const sinceCrash = `create unlogged table template_db.since_crash (
  id integer primary key references template_db.databases on delete cascade
)`

function forbidden({ registry, url }: RegistryOptions, cause: unknown) {
  return errors.REGISTRY_FORBIDDEN({ registry, role: roleOf(url), reason: reasonOf(cause) }, { cause })
}

/** For messages only: without a user in it, the URL means PGUSER or the name of the system's user. */
function roleOf(url: string): string {
  return decodeURIComponent(new URL(url).username) || defaults.user || ''
}
