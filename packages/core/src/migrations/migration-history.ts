import { migrationErrors } from './errors.js'

/** What a database has had of the project's migrations, by name and in their order. */
export interface MigrationHistory {
  applied: string[]
  pending: string[]
  /** Those of `applied` whose file has another content now. */
  changed: string[]
  /** The database has had them, and the project does not have them. */
  unknown: string[]
  /** Those that were begun outside a transaction and have not come to their end. */
  unfinished: string[]
}

/** Something that answers queries: a client, a session of the guard. */
export interface Reader {
  query<Row>(text: string, values?: unknown[]): Promise<Rows<Row>>
}

interface Rows<Row> {
  rows: Row[]
}

/** What a migration tool, or Seedbed, has noted of one migration. */
export interface Noted {
  name: string
  /** Null where the tool keeps none. */
  hash: string | null
  finished: boolean
}

/**
 * Compares what a project has with what a database has had.
 *
 * @example compareHistory([{ name: '1.sql', hash: 'a' }, { name: '2.sql', hash: 'b' }], [{ name: '1.sql', hash: 'a', finished: true }])
 * // { applied: ['1.sql'], pending: ['2.sql'], changed: [], unknown: [], unfinished: [] }
 */
export function compareHistory(
  migrations: readonly { name: string; hash: string | null }[],
  noted: readonly Noted[],
): MigrationHistory {
  const notes = new Map(noted.map(each => [each.name, each]))
  const names = new Set(migrations.map(({ name }) => name))
  const namesOf = (fits: (note: Noted | undefined, hash: string | null) => boolean | undefined) =>
    migrations.filter(({ name, hash }) => fits(notes.get(name), hash)).map(({ name }) => name)
  return {
    applied: namesOf(note => note?.finished),
    pending: namesOf(note => !note),
    changed: namesOf((note, hash) => note?.finished && note.hash !== null && note.hash !== hash),
    unknown: noted.filter(({ name, finished }) => finished && !names.has(name)).map(({ name }) => name),
    unfinished: noted.filter(({ finished }) => !finished).map(({ name }) => name),
  }
}

/**
 * Refuses a database of whose schema nothing is known: to run migrations that it may have had would be to guess.
 *
 * @param at the environment, and the migrations' folder or file
 * @throws MIGRATION_UNFINISHED, MIGRATIONS_UNRECORDED
 */
export async function refuseUncertain(
  db: Reader,
  { applied, pending, unknown, unfinished }: MigrationHistory,
  at: { environment: string; path: string; again?: ((name: string) => string) | undefined },
): Promise<void> {
  const { environment, path } = at
  const [begun] = unfinished
  if (begun !== undefined) {
    throw migrationErrors.MIGRATION_UNFINISHED({ environment, name: begun, again: at.again?.(begun) ?? '' })
  }
  if (applied.length > 0 || unknown.length > 0 || pending.length === 0) return
  const tables = await applicationTables(db)
  if (tables.length > 0) throw migrationErrors.MIGRATIONS_UNRECORDED({ environment, path, tables: tables.slice(0, 3) })
}

/** Tables of nobody's extension, without Seedbed's own: `public.users`. */
export async function applicationTables(db: Reader): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
      where c.relkind operator(pg_catalog.=) any ('{r,p,m,v,f}') and n.nspname operator(pg_catalog.!~~) 'pg\\_%'
        and n.nspname operator(pg_catalog.<>) all ('{information_schema,seedbed}')
        and not exists (select from pg_catalog.pg_depend d where d.classid operator(pg_catalog.=) c.tableoid
          and d.objid operator(pg_catalog.=) c.oid and d.deptype operator(pg_catalog.=) 'e')
      order by 1`,
  )
  return rows.map(({ name }) => name)
}
