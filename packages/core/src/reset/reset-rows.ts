import type { GuardedSession } from '@seedbed/environments/guard'
import { readMarks } from '../preserve/marks.js'
import type { Catalog, Table } from './catalog.js'
import { resetErrors } from './errors.js'
import { lookAtCatalog } from './look-at-catalog.js'
import { putBack, type PutBack } from './put-back.js'
import type { ResetOptions } from './reset-database.js'
import { openSeedSource, type SeedSource } from './seed-source.js'

/**
 * Brings a database that has had all migrations back to its seeds, on a session that is open: see `resetDatabase`.
 *
 * @throws SeedbedError RESET_SCHEMA_DIFFERS, RESET_SCHEMA_CHANGES, RESET_NO_SUCH_TABLE, RESET_CONFLICT, RESET_BREAKS_CONSTRAINT, RESET_FAILED
 */
export async function resetRows(
  session: GuardedSession<'reset'>,
  folder: string,
  progress: (line: string) => void,
  options: Pick<ResetOptions, 'tables' | 'except' | 'schema' | 'conflicts' | 'triggers' | 'dryRun'> = {},
): Promise<PutBack> {
  const { conflicts = 'keep', triggers = false, dryRun = false } = options
  const environment = session.environment.name
  const looked = await lookAtCatalog(session)
  // Before the template is built, which may take its time: a name is misspelt sooner than a schema changes.
  chosenTables(looked.catalog, options, environment)
  await using source = await openSeedSource(folder, progress)
  const choose = (catalog: Catalog) => {
    const tables = chosenTables(catalog, options, environment)
    refuseOtherColumns(session, catalog, tables, source)
    return tables
  }
  const wishes = { looked, choose, conflicts, triggers, dryRun }
  try {
    return await putBack(session, source, { ...wishes, marks: await readMarks(session) })
  } catch (cause) {
    // What the server says; Seedbed's own errors say what to do.
    if (!(cause instanceof Error) || !('severity' in cause)) throw cause
    throw resetErrors.RESET_FAILED({ environment, name: session.name, reason: cause.message }, { cause })
  }
}

function chosenTables(
  { tables }: Catalog,
  { tables: only, except = [], schema }: Pick<ResetOptions, 'tables' | 'except' | 'schema'>,
  environment: string,
): Table[] {
  const is = (name: string) => (table: Table) =>
    [table.name, table.name.slice(table.name.indexOf('.') + 1)].includes(name)
  const unknown = [...(only ?? []), ...except].filter(name => !tables.some(is(name)))
  const known = tables.map(({ name }) => name)
  if (unknown.length > 0) throw resetErrors.RESET_NO_SUCH_TABLE({ environment, names: unknown, known })
  if (schema !== undefined && !tables.some(table => table.schema === schema)) {
    throw resetErrors.RESET_NO_SUCH_TABLE({ environment, names: [`schema ${schema}`], known })
  }
  return tables
    .filter(table => schema === undefined || table.schema === schema)
    .filter(table => only === undefined || only.some(name => is(name)(table)))
    .filter(table => !except.some(name => is(name)(table)))
}

/** Columns decide whether the rows of one fit into the other; in which order they stand does not. */
function refuseOtherColumns(
  session: GuardedSession<'reset'>,
  catalog: Catalog,
  reset: readonly Table[],
  source: SeedSource,
): void {
  const shape = ({ columns }: Table) =>
    JSON.stringify(columns.map(({ name, type }) => `${name} ${type}`).toSorted((a, b) => (a < b ? -1 : 1)))
  const sources = new Map(source.catalog.tables.map(table => [table.name, table]))
  const differences = [
    ...reset.flatMap(table => {
      const other = sources.get(table.name)
      if (!other) return [`${table.name} is in no migration`]
      return shape(other) === shape(table) ? [] : [`${table.name} has other columns than its migrations give it`]
    }),
    ...source.catalog.tables
      .filter(({ name }) => !catalog.tables.some(table => table.name === name))
      .map(({ name }) => `${name} is missing`),
  ]
  if (differences.length === 0) return
  throw resetErrors.RESET_SCHEMA_DIFFERS({ environment: session.environment.name, name: session.name, differences })
}
