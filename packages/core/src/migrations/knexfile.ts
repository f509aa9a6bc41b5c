import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { loadFailure } from '../config/load-failure.js'
import { loadModule } from '../config/load-module.js'
import { migrationErrors } from './errors.js'

/** The part of knex's configuration that Seedbed looks at; the rest goes to knex as it is. */
export interface KnexConfig {
  client?: unknown
  migrations: KnexFiles
  seeds: KnexFiles
  pool?: { afterCreate?: AfterCreate }
  searchPath?: string | string[]
  [option: string]: unknown
}

export interface KnexFiles {
  /** Absolute. */
  directory: string[]
  loadExtensions?: string[]
  sortDirsSeparately?: boolean
  recursive?: boolean
  migrationSource?: MigrationSource
  seedSource?: unknown
  /** Where knex notes what it has applied. */
  tableName?: string
  schemaName?: string
  [option: string]: unknown
}

/** The part of knex's interface that names migrations. */
export interface MigrationSource {
  getMigrations(loadExtensions?: string[]): Promise<unknown[]>
  getMigrationName(migration: unknown): string
}

export type AfterCreate = (connection: unknown, done: (error?: unknown, connection?: unknown) => void) => void

/**
 * Loads a knexfile and picks its configuration: `test`, else `development`, else the file's own, and of these the first
 * that is for PostgreSQL. What it does to `process.env`, with dotenv for instance, is undone. Folders in it become
 * absolute; they start from the knexfile's own folder, as with knex's command.
 */
export async function loadKnexfile(path: string, shownAs: string): Promise<KnexConfig> {
  const environment = { ...process.env }
  let loaded: unknown
  try {
    const exported = await loadModule(path)
    loaded = typeof exported === 'function' ? await (exported as () => unknown)() : await exported
  } catch (error) {
    const problem = `cannot be loaded: ${await loadFailure(error, path)}`
    throw migrationErrors.MIGRATIONS_BROKEN({ path: shownAs, problem }, { cause: error })
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
    Object.assign(process.env, environment)
  }
  const config = pickConfiguration(loaded, shownAs)
  return {
    ...config,
    migrations: absolute(dirname(path), config.migrations, './migrations'),
    seeds: absolute(dirname(path), config.seeds, './seeds'),
  }
}

function pickConfiguration(loaded: unknown, shownAs: string): Partial<KnexConfig> {
  const broken = (problem: string) => migrationErrors.MIGRATIONS_BROKEN({ path: shownAs, problem })
  if (typeof loaded !== 'object' || loaded === null) throw broken('does not export a configuration of knex')
  const all = loaded as Record<string, unknown>
  const candidates = [all['test'], all['development'], all].filter(isConfiguration)
  if (candidates.length === 0) {
    const keys = Object.keys(all).join(', ') || 'nothing'
    throw broken(`has no configuration with a client: not as test, not as development, not on its own; it has ${keys}`)
  }
  // a client may be a class too, which only knex can judge
  const forPostgres = candidates.find(({ client }) => typeof client !== 'string' || postgresClients.has(client))
  if (!forPostgres) throw broken(`is for ${String(candidates[0]!.client)}, not for PostgreSQL`)
  return forPostgres
}

function isConfiguration(value: unknown): value is Partial<KnexConfig> {
  return typeof value === 'object' && value !== null && 'client' in value && Boolean(value.client)
}

const postgresClients = new Set(['pg', 'postgres', 'postgresql', 'pgnative', 'pg-native'])

function absolute(folder: string, options: Partial<KnexFiles> | undefined, fallback: string): KnexFiles {
  const directories = [options?.directory ?? fallback].flat()
  return { ...options, directory: directories.map(directory => resolve(folder, directory)) }
}

/** knex as the project has it: where it is, and its version. Throws MIGRATION_TOOL_MISSING. */
export async function findKnex(knexfile: string, shownAs: string): Promise<{ path: string; version: string }> {
  try {
    const path = createRequire(knexfile).resolve('knex')
    const { version } = JSON.parse(await readFile(join(dirname(path), 'package.json'), 'utf8')) as { version: string }
    return { path, version }
  } catch (error) {
    throw migrationErrors.MIGRATION_TOOL_MISSING({ file: shownAs, tool: 'knex', packages: 'knex pg' }, { cause: error })
  }
}

/** Those of the folders that exist: the default ones need not. */
export async function existingFolders(folders: string[]): Promise<string[]> {
  const stats = await Promise.all(folders.map(folder => stat(folder).catch(() => undefined)))
  return folders.filter((_, index) => stats[index]?.isDirectory())
}
