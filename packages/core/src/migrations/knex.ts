import { readdir } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve, sep } from 'node:path'
import type { SeedbedConfig } from '../config/config.js'
import { connectionVariables } from '../run/connection-variables.js'
import { importedFiles } from '../config/imported-files.js'
import { loadPg } from '../server/load-pg.js'
import { ownFolder } from '../server/own-package.js'
import { migrationErrors } from './errors.js'
import type { KnexAnswer, KnexJob } from './knex-process.js'
import { existingFolders, findKnex, loadKnexfile, type KnexFiles } from './knexfile.js'
import { mentionsCreateRole } from './known-roles.js'
import { compareHistory, refuseUncertain, type Noted, type Reader } from './migration-history.js'
import type { LivingTarget, MigrationPlan, MigrationTarget } from './migration-plan.js'
import { runWithDatabase, withoutPassword, type ProcessEnd } from '../run/run-with-database.js'
import { hasTable } from '../structure/has-table.js'
import { fileHashes, nameIn, readProjectFile, readProjectFiles, type ProjectFile } from './project-files.js'
import { excerpt, offsetOfCharacter } from './text-position.js'

/**
 * A knexfile's migrations, and then its seed files, run by the project's own knex with our connection. It happens in a
 * process of its own: what a knexfile or a migration imports is loaded afresh at every build (in watch mode this
 * process would hold the old versions), the working folder and the variables are what knex's command would give, and
 * a migration that leaves something running does no harm.
 */
export async function planKnex(project: string, knexfile: string, config: SeedbedConfig): Promise<MigrationPlan> {
  const shownAs = nameIn(project, knexfile)
  const [knex, { migrations, seeds, searchPath }] = await Promise.all([
    findKnex(knexfile, shownAs),
    loadKnexfile(knexfile, shownAs),
  ])
  await refuseMissingFolder(project, shownAs, migrations)
  const folders = await existingFolders([...migrations.directory, ...seeds.directory])
  const inFolders = (await Promise.all(folders.map(folder => readProjectFiles(project, folder)))).flat()
  const migrationFiles = await listMigrations(migrations)
  if (migrationFiles.length === 0 && !migrations.migrationSource) {
    const path = migrations.directory.map(folder => nameIn(project, folder)).join(', ')
    throw migrationErrors.MIGRATIONS_EMPTY({
      path,
      expected: `migrations of knex (${endingsOf(migrations).join(', ')})`,
    })
  }
  const seedFiles = await listSeeds(seeds, inFolders, seedbedFolders(project, config))
  const modules = [knexfile, ...migrationFiles, ...seedFiles]
  const paths = [...new Set([...modules, ...(await importedFiles(modules))])]
  const imported = await Promise.all(paths.map(path => readProjectFile(project, path)))
  const beside = inFolders.filter(({ path }) => migrations.directory.some(folder => path.startsWith(folder + sep)))
  const files = [...imported, ...beside]
  const counts = [
    count(migrationFiles.length, 'migration'),
    ...(seedFiles.length > 0 ? [count(seedFiles.length, 'seed')] : []),
  ]
  const names = await migrationNames(migrations, migrationFiles)
  const run = async (target: MigrationTarget | LivingTarget, parts: KnexJob['parts']) => {
    const { url, knownRoles } = target
    const variables = 'variables' in target ? target.variables : connectionVariables(url, config)
    const job: KnexJob = { knex: knex.path, knexfile, shownAs, url, knownRoles, migrationFiles, seedFiles, parts }
    const process = { script: knexProcess(), message: job }
    const folder = dirname(knexfile)
    const end = await runWithDatabase({ run: process, folder, url, variables, limit: knexLimit })
    explainEnd(end, job, project)
  }
  const history = async (db: Reader) =>
    compareHistory(
      names.map(name => ({ name, hash: null })),
      await readNoted(db, migrations, [searchPath].flat()[0]),
    )
  return {
    description: `${shownAs} (${counts.join(', ')} of knex)`,
    version: names.at(-1) ?? null,
    watched: [...folders, ...paths],
    ownSeeds: seedFiles,
    fingerprint: { knex: knex.version, ...fileHashes(files) },
    mayCreateRoles: files.some(({ bytes }) => mentionsCreateRole(bytes.toString('utf8'))),
    history,
    apply: target => run(target, ['migrations', 'seeds']),
    async migrate(target) {
      const client = await target.connect()
      let pending: string[]
      try {
        const found = await history(client)
        await refuseUncertain(client, found, { environment: target.environment, path: shownAs })
        pending = found.pending
      } finally {
        await client.end()
      }
      if (pending.length === 0) return []
      for (const name of pending) target.progress(name)
      await run(target, ['migrations'])
      return pending
    },
    seed: target => run(target, ['seeds']),
  }
}

/** As knex notes them. */
async function migrationNames({ migrationSource, loadExtensions }: KnexFiles, files: string[]): Promise<string[]> {
  if (!migrationSource) return files.map(path => basename(path))
  const found = await migrationSource.getMigrations(loadExtensions)
  return found.map(migration => migrationSource.getMigrationName(migration))
}

async function readNoted(db: Reader, options: KnexFiles, searched: string | undefined): Promise<Noted[]> {
  const { tableName = 'knex_migrations', schemaName = searched ?? 'public' } = options
  if (!(await hasTable(db, schemaName, tableName))) return []
  const { escapeIdentifier } = loadPg()
  const { rows } = await db.query<{ name: string }>(
    `select name from ${escapeIdentifier(schemaName)}.${escapeIdentifier(tableName)} order by id`,
  )
  return rows.map(({ name }) => ({ name, hash: null, finished: true }))
}

const knexLimit = 10 * 60_000

/** This repository's tests run the sources; a process of its own cannot, and takes what was built of them. */
const knexProcess = () => join(ownFolder(), 'dist/migrations/knex-process.js')

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

/** What knex loads unless `loadExtensions` says otherwise, without the languages that nobody writes any more. */
const defaultEndings = ['.js', '.cjs', '.ts']

function endingsOf(files: KnexFiles): string[] {
  return files.loadExtensions ?? defaultEndings
}

function isLoaded(files: KnexFiles, path: string): boolean {
  return endingsOf(files).includes(extname(path)) && !path.endsWith('.d.ts')
}

/** As knex does: a folder that is not there is a mistake in the knexfile, or of the moment. */
async function refuseMissingFolder(project: string, shownAs: string, migrations: KnexFiles): Promise<void> {
  if (migrations.migrationSource) return
  const there = await existingFolders(migrations.directory)
  const missing = migrations.directory.find(folder => !there.includes(folder))
  if (!missing) return
  const problem = `has its migrations in ${nameIn(project, missing)}, which does not exist`
  throw migrationErrors.MIGRATIONS_BROKEN({ path: shownAs, problem })
}

/** In knex's order: by name over all folders, or folder by folder. A `migrationSource` of its own is left to knex. */
async function listMigrations(migrations: KnexFiles): Promise<string[]> {
  if (migrations.migrationSource) return []
  const lists = await Promise.all(
    (await existingFolders(migrations.directory)).map(async folder =>
      (await readdir(folder)).toSorted().map(name => join(folder, name)),
    ),
  )
  const paths = lists.flat().filter(path => isLoaded(migrations, path))
  if (migrations.sortDirsSeparately) return paths
  return paths.toSorted((a, b) => (basename(a) < basename(b) ? -1 : basename(a) > basename(b) ? 1 : 0))
}

/**
 * Seed files of knex's kind. In a folder that Seedbed reads itself only those that export `seed`: the others are its
 * own. Elsewhere all of them, for knex refuses what is none.
 */
async function listSeeds(seeds: KnexFiles, inFolders: ProjectFile[], seedbeds: string[]): Promise<string[]> {
  if (seeds.seedSource) return []
  const lists = seeds.directory.map(folder =>
    inFolders
      .filter(
        ({ path }) =>
          (seeds.recursive ? path.startsWith(folder + sep) : join(path, '..') === folder) && isLoaded(seeds, path),
      )
      .filter(({ bytes }) => !seedbeds.includes(folder) || exportsSeed(bytes.toString('utf8')))
      .map(({ path }) => path),
  )
  return seeds.sortDirsSeparately ? lists.flat() : lists.flat().toSorted()
}

function seedbedFolders(project: string, { seeds = './seeds' }: SeedbedConfig): string[] {
  return [seeds].flat().map(path => resolve(project, path))
}

function exportsSeed(source: string): boolean {
  return [
    /\bexports\.seed\b/,
    /\bmodule\.exports\s*=\s*\{[^}]*\bseed\b/,
    /\bexport\s+(?:async\s+)?(?:function|const|let)\s+seed\b/,
    /\bexport\s*\{[^}]*\bseed\b/,
  ].some(pattern => pattern.test(source))
}

function explainEnd(end: ProcessEnd, job: KnexJob, project: string): void {
  const answer = end.answer as KnexAnswer | undefined
  if (answer?.done) return
  if (!answer) {
    const failure = end.failure ?? 'ended before its migrations had'
    throw migrationErrors.MIGRATION_COMMAND_FAILED({ command: `knex (${job.shownAs})`, failure, output: end.output })
  }
  const { error, module, line, column } = answer
  const file = nameIn(project, module ?? job.knexfile)
  const message = withoutPassword(error.message, job.url)
  if (!error.code || !answer.sql) {
    throw migrationErrors.MIGRATION_MODULE_FAILED({ file, line, column, message, output: end.output })
  }
  const caret = error.position ? offsetOfCharacter(answer.sql, Number(error.position) - 1) : 0
  throw migrationErrors.SQL_FAILED({
    file,
    line,
    column,
    excerpt: excerpt(answer.sql, { start: 0, end: answer.sql.length, caret }),
    ...error,
    message,
    outsideTransaction: 'Write `exports.config = { transaction: false }` into the migration.',
  })
}
