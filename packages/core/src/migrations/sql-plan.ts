import type { Client } from 'pg'
import { loadPg } from '../server/load-pg.js'
import { migrationErrors } from './errors.js'
import { mentionsCreateRole } from './known-roles.js'
import { compareHistory, refuseUncertain, type Noted, type Reader } from './migration-history.js'
import type { MigrationPlan } from './migration-plan.js'
import { ownBookkeeping } from './own-bookkeeping.js'
import { fileHashes, type ProjectFile } from './project-files.js'
import { decodeSql } from './read-sql-file.js'
import type { SqlFile } from './run-sql-file.js'

/** One file to run, and how. */
export interface SqlMigration {
  /** As it is noted. */
  name: string
  file: ProjectFile
  /** What to run of it, for instance without the part that undoes it; offsets must stay the same. */
  script(text: string): { text: string; transaction: SqlFile['transaction'] }
}

/** Keeps the table in which is noted what was applied: a migration tool's, or Seedbed's. */
export interface Bookkeeping {
  /** What is noted of a file's content. */
  hash(file: ProjectFile): string
  /** Undefined where the table is not there. */
  read(db: Reader): Promise<Noted[] | undefined>
  create(client: Client): Promise<void>
  finish(client: Client, migration: SqlMigration, begun: boolean): Promise<void>
  /** For what runs outside a transaction. Left out where the tool has no word for a migration that has only begun. */
  steps?: {
    begin(client: Client, migration: SqlMigration): Promise<void>
    /** For people: how it is to be run again. */
    again(name: string): string
  }
}

/** A plan of SQL files, run one after the other over one connection, exactly as they were when the plan was made. */
export function sqlPlan(plan: {
  description: string
  /** Where they are, for errors: `migrations`. */
  path: string
  migrations: SqlMigration[]
  watched: string[]
  /** Files that are not run but decide what is. */
  others?: ProjectFile[]
  /** The tool's; templates have it as well. @default Seedbed's, which no template has */
  bookkeeping?: Bookkeeping
  /** Whether it is one file that makes the whole schema, so that a change of it cannot be applied to what is there. */
  whole?: boolean
}): MigrationPlan {
  const { description, path, migrations, watched, others = [] } = plan
  const book = plan.bookkeeping ?? ownBookkeeping
  const history = async (db: Reader) =>
    compareHistory(
      migrations.map(({ name, file }) => ({ name, hash: book.hash(file) })),
      (await book.read(db)) ?? [],
    )
  return {
    description,
    version: migrations.at(-1)!.name,
    watched,
    fingerprint: fileHashes([...others, ...migrations.map(({ file }) => file)]),
    ownSeeds: [],
    mayCreateRoles: migrations.some(({ file }) => mentionsCreateRole(file.bytes.toString('utf8'))),
    history,
    async apply({ url, knownRoles }) {
      const { bookkeeping } = plan
      await inSessions(
        () => connect(url),
        migrations,
        async (client, migration, isFirst) => {
          if (isFirst) await bookkeeping?.create(client)
          await runFile(client, { ...fileOf(migration), knownRoles })
          await bookkeeping?.finish(client, migration, false)
        },
      )
    },
    async migrate({ connect, knownRoles, environment, progress }) {
      const client = await connect()
      let pending: SqlMigration[]
      try {
        const found = await history(client)
        await refuseUncertain(client, found, { environment, path, again: book.steps?.again })
        if (plan.whole && found.changed.length > 0)
          throw migrationErrors.SCHEMA_FILE_CHANGED({ environment, file: path })
        pending = migrations.filter(({ name }) => found.pending.includes(name))
        if (pending.length > 0 && (await book.read(client)) === undefined) await book.create(client)
      } finally {
        await client.end()
      }
      await inSessions(connect, pending, async (client, migration) => {
        progress(migration.name)
        await runNoted(client, migration, book, knownRoles)
      })
      return pending.map(({ name }) => name)
    },
    async adopt({ connect, environment }, last) {
      const index = migrations.findIndex(({ name }) => name === last)
      if (index === -1) {
        throw migrationErrors.MIGRATION_UNKNOWN({ name: last, path, known: migrations.map(({ name }) => name) })
      }
      const client = await connect()
      try {
        const noted = await book.read(client)
        if (noted?.length) throw migrationErrors.MIGRATIONS_RECORDED({ environment, name: noted.at(-1)!.name })
        const adopted = migrations.slice(0, index + 1)
        await client.query('begin')
        if (!noted) await book.create(client)
        for (const migration of adopted) await book.finish(client, migration, false)
        await client.query('commit')
        return adopted.map(({ name }) => name)
      } finally {
        await client.end()
      }
    },
  }
}

/** In the migration's own transaction where it has one; else it is seen afterwards that it has not come to its end. */
async function runNoted(
  client: Client,
  migration: SqlMigration,
  book: Bookkeeping,
  knownRoles: readonly string[],
): Promise<void> {
  const file = { ...fileOf(migration), knownRoles }
  if (file.transaction === 'own') {
    await runFile(client, { ...file, note: () => book.finish(client, migration, false) })
    return
  }
  await book.steps?.begin(client, migration)
  await runFile(client, file)
  await book.finish(client, migration, book.steps !== undefined)
}

/** Most runs find their template, and load nothing of what runs a file and explains its failure. */
async function runFile(...given: Parameters<typeof import('./run-sql-file.js').runSqlFile>): Promise<void> {
  const { runSqlFile } = await import('./run-sql-file.js')
  await runSqlFile(...given)
}

function fileOf({ file, script }: SqlMigration): SqlFile {
  return { file: file.name, ...script(decodeSql(file.bytes, file.name)) }
}

/** One session for all of them, but for those that follow on what only a new session sees. */
async function inSessions(
  open: () => Promise<Client>,
  migrations: readonly SqlMigration[],
  run: (client: Client, migration: SqlMigration, isFirst: boolean) => Promise<void>,
): Promise<void> {
  if (migrations.length === 0) return
  let client = await open()
  try {
    for (const [index, migration] of migrations.entries()) {
      await run(client, migration, index === 0)
      if (!changesNewSessions(fileOf(migration).text)) continue
      await client.end()
      client = await open()
    }
  } finally {
    await client.end()
  }
}

async function connect(url: string): Promise<Client> {
  const { Client } = loadPg()
  const client = new Client({ connectionString: url, application_name: 'seedbed migrations' })
  // a connection that breaks fails the query that is under way; without a listener it would end the process too
  client.on('error', () => {})
  await client.connect()
  return client
}

/** ALTER DATABASE … SET search_path and its like hold for new sessions only, and the next file may count on them. */
function changesNewSessions(text: string): boolean {
  return /\balter\s+(database|role|user)\b/i.test(text)
}
