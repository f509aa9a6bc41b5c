import { join } from 'node:path'
import type { SeedbedConfig } from '../config/config.js'
import { detectMigrations, recogniseMigrations } from './find-migrations.js'
import { compareHistory } from './migration-history.js'
import type { MigrationPlan } from './migration-plan.js'

/**
 * Finds the project's migrations, or takes those that the config names, and says what has to run and what decides
 * whether a template is still good. Nothing is run yet. Called in every test run, so it is cheap: it reads and hashes
 * files; only a knexfile is loaded, for it says where its migrations are.
 *
 * Throws MIGRATIONS_… if it is not clear what to run.
 *
 * @param folder the project's folder; paths of the config start from it
 * @example
 * const plan = await planMigrations('/app', { migrations: './migrations' })
 * await plan.apply({ url: 'postgresql://app@localhost/template', knownRoles: [] })
 */
export async function planMigrations(folder: string, config: SeedbedConfig): Promise<MigrationPlan> {
  const { migrations } = config
  // Each kind's modules are loaded only where it is used: a run's start waits for them.
  if (typeof migrations === 'object') return (await import('./command.js')).planCommand(folder, migrations, config)
  const found =
    migrations === undefined ? await detectMigrations(folder) : await recogniseMigrations(folder, migrations)
  if (!found) return noMigrations(folder)
  if (found.kind === 'sql-folder') {
    return (await import('./sql-folder.js')).planSqlFolder(folder, found.path, found.names)
  }
  if (found.kind === 'schema') return (await import('./sql-folder.js')).planSchemaFile(folder, found.path)
  if (found.kind === 'prisma') return (await import('./prisma.js')).planPrisma(folder, found.path)
  if (found.kind === 'drizzle') return (await import('./drizzle.js')).planDrizzle(folder, found.path, found.config)
  return (await import('./knex.js')).planKnex(folder, found.path, config)
}

/** Of a project that has none, and of a database that they are not for. */
export function noMigrations(folder: string): MigrationPlan {
  return {
    description: 'no migrations found (migrations/, prisma/, drizzle/, a knexfile or schema.sql)',
    version: null,
    fingerprint: {},
    watched: ['migrations', 'prisma', 'drizzle', 'schema.sql'].map(name => join(folder, name)),
    ownSeeds: [],
    mayCreateRoles: false,
    apply: async () => {},
    history: async () => compareHistory([], []),
    migrate: async () => [],
  }
}
