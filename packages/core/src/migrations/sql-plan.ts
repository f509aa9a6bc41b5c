import type { Client } from 'pg'
import { loadPg } from '../server/load-pg.js'
import { mentionsCreateRole } from './known-roles.js'
import type { MigrationPlan } from './migration-plan.js'
import { fileHashes, type ProjectFile } from './project-files.js'
import { decodeSql } from './read-sql-file.js'
import { runSqlFile, type SqlFile } from './run-sql-file.js'

/** One file to run, and how. */
export interface SqlMigration {
  file: ProjectFile
  /** What to run of it, for instance without the part that undoes it; offsets must stay the same. */
  script(text: string): { text: string; transaction: SqlFile['transaction'] }
}

/** Keeps the table in which a migration tool notes what it has applied. */
export interface Bookkeeping {
  begin(client: Client): Promise<void>
  applied(client: Client, migration: SqlMigration): Promise<void>
}

/** A plan of SQL files, run one after the other over one connection, exactly as they were when the plan was made. */
export function sqlPlan(plan: {
  description: string
  migrations: SqlMigration[]
  watched: string[]
  /** Files that are not run but decide what is. */
  others?: ProjectFile[]
  bookkeeping?: Bookkeeping
}): MigrationPlan {
  const { description, migrations, watched, others = [], bookkeeping } = plan
  return {
    description,
    watched,
    fingerprint: fileHashes([...others, ...migrations.map(({ file }) => file)]),
    ownSeeds: [],
    mayCreateRoles: migrations.some(({ file }) => mentionsCreateRole(file.bytes.toString('utf8'))),
    async apply({ url, knownRoles }) {
      let client = await connect(url)
      try {
        await bookkeeping?.begin(client)
        for (const migration of migrations) {
          const { name, bytes } = migration.file
          const script = migration.script(decodeSql(bytes, name))
          await runSqlFile(client, { file: name, ...script, knownRoles })
          await bookkeeping?.applied(client, migration)
          if (!changesNewSessions(script.text)) continue
          await client.end()
          client = await connect(url)
        }
      } finally {
        await client.end()
      }
    },
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
