import type { Client } from 'pg'
import { loadProject, openProject } from '../run/open-project.js'
import type { SeedLabels } from '../seeds/seed-labels.js'
import { withDatabase } from '../server/database-url.js'
import { loadPg } from '../server/load-pg.js'
import { ensureTemplate } from '../template/ensure-template.js'
import { asText } from './as-text.js'
import type { Catalog, Table } from './catalog.js'
import { lookAtCatalog } from './look-at-catalog.js'

/** A database that is as the migrations and the seeds leave it: the one that each test starts from. */
export interface SeedSource extends AsyncDisposable {
  catalog: Catalog
  labels: SeedLabels
  /** The rows of a table, a page at a time: each a text for every writable column, or null. */
  rows(table: Table): AsyncIterable<(string | null)[][]>
  /** Where a sequence stands: the number that it gives next. */
  next(sequence: string): Promise<string>
  /** Large objects by number. */
  largeObjects(): Promise<{ oid: number; content: Buffer }[]>
}

/**
 * Opens a clone of the project's template on the server of the tests, and reads from it. So a reset needs the seeds of nobody else, runs
 * nothing of the project on the database that is reset, and gives the same rows each time.
 *
 * @param from the project's config is looked for from here upwards
 * @throws what a run throws at its start
 */
export async function openSeedSource(from: string, progress: (line: string) => void): Promise<SeedSource> {
  const loaded = await loadProject(from)
  const { server, templates, project, close } = await openProject(loaded, progress, { workers: 1 })
  let client: Client | undefined
  try {
    const { folder, config, migrations, seeds } = project
    const { template, labels } = await ensureTemplate(
      templates,
      { server, folder, config, migrations, seeds },
      progress,
    )
    const [clone] = await templates.clone(template)
    const reader = new (loadPg().Client)({
      connectionString: withDatabase(server.applicationUrl, clone!.database),
      application_name: 'seedbed reset',
    })
    client = reader
    reader.on('error', () => {}) // the query that runs, or the next, says so
    await reader.connect()
    return {
      ...(await readSource(reader)),
      labels,
      async [Symbol.asyncDispose]() {
        await reader.end()
        await clone!.release({ sessions: 1, clean: true })
        await close()
      },
    }
  } catch (error) {
    await client?.end().catch(() => {})
    await close()
    throw error
  }
}

/** Reads a database that is as the seeds leave it, by a client that nobody else uses. */
export async function readSource(reader: Client): Promise<Omit<SeedSource, 'labels' | typeof Symbol.asyncDispose>> {
  await reader.query(`set search_path = pg_catalog, pg_temp; ${asText}`)
  return {
    catalog: (await lookAtCatalog(reader)).catalog,
    rows: table => rowsOf(reader, table),
    next: sequence => nextOf(reader, sequence),
    largeObjects: () => largeObjectsOf(reader),
  }
}

/** Rows that are held in memory at once. */
const page = 5_000

async function* rowsOf(reader: Client, { name, columns, acting }: Table): AsyncIterable<(string | null)[][]> {
  const { escapeIdentifier } = loadPg()
  const list = columns.map(column => `${escapeIdentifier(column.name)}::text`).join(', ')
  // An owner sees all rows, unless row security is forced on him: then it is lifted until the rollback.
  await reader.query('begin; set local row_security = off')
  for (const { kind, stop } of acting) if (kind === 'row security') await reader.query(stop)
  await reader.query(`declare seedbed_rows no scroll cursor for select ${list} from only ${name}`)
  try {
    for (;;) {
      const { rows } = await reader.query<(string | null)[]>({
        text: `fetch ${page} from seedbed_rows`,
        rowMode: 'array',
      })
      if (rows.length === 0) return
      yield rows
    }
  } finally {
    await reader.query('rollback')
  }
}

async function nextOf(reader: Client, sequence: string): Promise<string> {
  const { rows } = await reader.query<{ next: string }>(
    `select (s.last_value + case when s.is_called then q.seqincrement else 0 end)::text as next
      from ${sequence} s, pg_sequence q where q.seqrelid = $1::regclass`,
    [sequence],
  )
  return rows[0]!.next
}

async function largeObjectsOf(reader: Client): Promise<{ oid: number; content: Buffer }[]> {
  const { rows } = await reader.query<{ oid: string; content: Buffer }>(
    "select oid::text as oid, lo_get(oid) as content from pg_largeobject_metadata where pg_has_role(lomowner, 'member')",
  )
  return rows.map(({ oid, content }) => ({ oid: Number(oid), content }))
}
