import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { loadPg } from '../server/load-pg.js'
import { hasTable } from '../structure/has-table.js'
import { readDrizzleConfig, type DrizzleConfig } from './drizzle-config.js'
import { migrationErrors } from './errors.js'
import type { MigrationPlan } from './migration-plan.js'
import { nameIn, readProjectFile, sha256, type ProjectFile } from './project-files.js'
import { sqlPlan, type Bookkeeping } from './sql-plan.js'

/**
 * A folder of drizzle-kit: up to 0.31 `<tag>.sql` in the order of `meta/_journal.json`, since 1.0
 * `<time>_<name>/migration.sql` in the order of the names. Applied from the SQL and noted as drizzle's `migrate()` notes
 * it, so that an application that calls it when it starts finds nothing left to do.
 */
export async function planDrizzle(project: string, folder: string, configPath?: string): Promise<MigrationPlan> {
  const config = configPath ? await readProjectFile(project, configPath) : undefined
  const journal = await readProjectFile(project, join(folder, 'meta/_journal.json')).catch(() => undefined)
  const entries = journal ? await journalEntries(project, folder, journal) : await folderEntries(project, folder)
  if (entries.length === 0) {
    throw migrationErrors.MIGRATIONS_EMPTY({ path: nameIn(project, folder), expected: 'migrations of drizzle-kit' })
  }
  return sqlPlan({
    description: `${nameIn(project, folder)}/ (${entries.length} of drizzle-kit)`,
    path: nameIn(project, folder),
    watched: [folder, ...(config ? [config.path] : [])],
    others: [...(config ? [config] : []), ...(journal ? [journal] : [])],
    migrations: entries.map(({ name, file }) => ({
      name,
      file,
      script: text => ({
        text: text.replaceAll(breakpoint, `;${' '.repeat(breakpoint.length - 1)}`),
        transaction: 'own',
      }),
    })),
    bookkeeping: bookkeeping(readDrizzleConfig(config?.bytes.toString('utf8') ?? ''), entries, journal === undefined),
  })
}

/** drizzle splits here; a semicolon in its place does the same for a statement that has none, and keeps the columns. */
const breakpoint = '--> statement-breakpoint'

interface Entry {
  file: ProjectFile
  /** Milliseconds since 1970: the number by which drizzle knows what is applied. */
  when: number
  name: string
}

interface Journal {
  dialect?: unknown
  entries?: { tag?: unknown; when?: unknown }[]
}

async function journalEntries(project: string, folder: string, journal: ProjectFile): Promise<Entry[]> {
  const broken = (problem: string, cause?: unknown) =>
    migrationErrors.MIGRATIONS_BROKEN({ path: journal.name, problem }, { cause })
  let content: Journal
  try {
    content = JSON.parse(journal.bytes.toString('utf8')) as Journal
  } catch (error) {
    throw broken(`is not JSON: ${(error as Error).message}`, error)
  }
  // drizzle-kit before 0.21 wrote «pg»
  if (content.dialect !== 'postgresql' && content.dialect !== 'pg') {
    throw broken(`says that the migrations are for ${String(content.dialect)}, not for postgresql`)
  }
  if (!Array.isArray(content.entries)) throw broken('has no list of entries')
  return Promise.all(
    content.entries.map(async ({ tag, when }) => {
      if (typeof tag !== 'string' || typeof when !== 'number') throw broken('has an entry without tag or when')
      const file = await readProjectFile(project, join(folder, `${tag}.sql`)).catch(error => {
        throw broken(`names ${tag}, but ${tag}.sql cannot be read`, error)
      })
      return { file, when, name: tag }
    }),
  )
}

async function folderEntries(project: string, folder: string): Promise<Entry[]> {
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name)
  const files = await Promise.all(
    names.toSorted().map(name => readProjectFile(project, join(folder, name, 'migration.sql')).catch(() => undefined)),
  )
  return files.flatMap(file => {
    if (!file) return []
    const name = basename(join(file.path, '..'))
    const time = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(name)?.slice(1).map(Number)
    if (!time) {
      const problem = 'has a name that does not begin with a time in 14 digits, as drizzle-kit writes it'
      throw migrationErrors.MIGRATIONS_BROKEN({ path: nameIn(project, join(folder, name)), problem })
    }
    const [year, month, day, hour, minute, second] = time as [number, number, number, number, number, number]
    return [{ file, name, when: Date.UTC(year, month - 1, day, hour, minute, second) }]
  })
}

/** The table as `migrate()` of drizzle-orm makes it: 0.x, or 1.0 with the migration's name, which then decides. */
function bookkeeping({ schema, table }: DrizzleConfig, entries: Entry[], named: boolean): Bookkeeping {
  const { escapeIdentifier } = loadPg()
  const qualified = `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`
  const more = named ? ', name text, applied_at timestamp with time zone DEFAULT now()' : ''
  return {
    hash: ({ bytes }) => sha256(bytes),
    async read(db) {
      if (!(await hasTable(db, schema, table))) return undefined
      const { rows } = await db.query<{ hash: string; at: string }>(
        `select hash, created_at::pg_catalog.text as at from ${qualified} order by created_at, id`,
      )
      // Up to 0.31 drizzle knows a migration by its time alone.
      const nameOf = (at: string) => entries.find(({ when }) => String(when) === at)?.name ?? at
      return rows.map(({ hash, at }) => ({ name: nameOf(at), hash, finished: true }))
    },
    async create(client) {
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${escapeIdentifier(schema)}`)
      await client.query(
        `CREATE TABLE ${qualified} (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint${more})`,
      )
    },
    async finish(client, { file }) {
      const { when, name } = entries.find(entry => entry.file === file)!
      await client.query(
        `INSERT INTO ${qualified} (hash, created_at${named ? ', name' : ''}) VALUES ($1, $2${named ? ', $3' : ''})`,
        [sha256(file.bytes), when, ...(named ? [name] : [])],
      )
    },
  }
}
