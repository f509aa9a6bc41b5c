import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { MigrationCommand, SeedbedConfig } from '../config/config.js'
import { connectionVariables } from '../run/connection-variables.js'
import { loadPg } from '../server/load-pg.js'
import { migrationErrors } from './errors.js'
import { nearPath } from './find-migrations.js'
import { mentionsCreateRole } from './known-roles.js'
import { applicationTables, compareHistory, type MigrationHistory, type Reader } from './migration-history.js'
import type { LivingTarget, MigrationPlan } from './migration-plan.js'
import { createNotes, note, readNotes } from './own-bookkeeping.js'
import { runWithDatabase, withoutPassword } from '../run/run-with-database.js'
import { fileHashes, readProjectFiles, sha256 } from './project-files.js'

/** Longer than any migration of a test database takes, and short enough for a CI job to say what happened. */
const commandLimit = 10 * 60_000

/**
 * A migration tool that Seedbed does not know: its command is run by the shell in the project's folder, with
 * DATABASE_URL, PG* and the config's variables of the new database. `dependsOn` is all that is known of what it does,
 * so a path that is not there is an error: a template would be taken for good that is not.
 */
export async function planCommand(
  project: string,
  { command, dependsOn }: MigrationCommand,
  config: SeedbedConfig,
): Promise<MigrationPlan> {
  const paths = dependsOn.map(path => resolve(project, path))
  for (const [index, path] of paths.entries()) {
    const there = await stat(path).catch(() => undefined)
    if (there) continue
    throw migrationErrors.MIGRATIONS_NOT_FOUND({ path: dependsOn[index]!, project, near: await nearPath(path) })
  }
  const files = (await Promise.all(paths.map(path => readProjectFiles(project, path)))).flat()
  if (files.length === 0) throw migrationErrors.MIGRATIONS_EMPTY({ path: dependsOn.join(', '), expected: 'files' })
  const fingerprint = { 'migration command': command, ...fileHashes(files) }
  const hash = sha256(JSON.stringify(fingerprint))
  const run = async (url: string, variables: LivingTarget['variables'], limit?: number) => {
    const end = await runWithDatabase({
      ...{ run: { shell: command }, folder: project, url, variables },
      ...(limit !== undefined && { limit }),
    })
    const details = { command: withoutPassword(command, url), output: end.output }
    if (end.failure) throw migrationErrors.MIGRATION_COMMAND_FAILED({ ...details, failure: end.failure })
    return details
  }
  const history = async (db: Reader): Promise<MigrationHistory> => {
    const { changed, pending, ...found } = compareHistory([{ name, hash }], (await readNotes(db)) ?? [])
    return { ...found, changed: [], pending: [...pending, ...changed] }
  }
  return {
    description: `the command ${command}`,
    version: `command ${hash.slice(0, 12)}`,
    watched: paths,
    fingerprint,
    ownSeeds: [],
    mayCreateRoles:
      mentionsCreateRole(command) || files.some(({ bytes }) => mentionsCreateRole(bytes.toString('utf8'))),
    history,
    async apply({ url }) {
      const before = await countObjects(url)
      const details = await run(url, connectionVariables(url, config), commandLimit)
      if ((await countObjects(url)) === before) throw migrationErrors.MIGRATION_COMMAND_IDLE(details)
    },
    async migrate({ url, variables, connect, progress }) {
      const client = await connect()
      try {
        if ((await history(client)).pending.length === 0) return []
        progress(name)
        // The tool knows what it has to do: of a database that has all of it, nothing.
        const details = await run(url, variables)
        if ((await applicationTables(client)).length === 0) throw migrationErrors.MIGRATION_COMMAND_IDLE(details)
        if ((await readNotes(client)) === undefined) await createNotes(client)
        await note(client, name, hash, true)
        return [name]
      } finally {
        await client.end()
      }
    },
  }
}

/** As it is noted; the command itself may hold what is nobody's business. */
const name = 'the migration command'

/** A tool that has read a .env of its own migrates another database, and ends well. */
async function countObjects(url: string): Promise<string> {
  const { Client } = loadPg()
  const client = new Client({ connectionString: url, application_name: 'seedbed migrations' })
  await client.connect()
  try {
    const { rows } = await client.query<{ count: string }>(
      `SELECT concat_ws(' ', (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc),
                             (SELECT count(*) FROM pg_type), (SELECT count(*) FROM pg_namespace)) AS count`,
    )
    return rows[0]!.count
  } finally {
    await client.end()
  }
}
