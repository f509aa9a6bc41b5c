import { join } from 'node:path'
import type { SeedbedConfig } from '../config/config.js'
import { planCommand } from './command.js'
import { planDrizzle } from './drizzle.js'
import { detectMigrations, recogniseMigrations } from './find-migrations.js'
import { planKnex } from './knex.js'
import type { MigrationPlan } from './migration-plan.js'
import { planPrisma } from './prisma.js'
import { planSchemaFile, planSqlFolder } from './sql-folder.js'

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
  if (typeof migrations === 'object') return planCommand(folder, migrations, config)
  const found =
    migrations === undefined ? await detectMigrations(folder) : await recogniseMigrations(folder, migrations)
  if (!found) return nothingFound(folder)
  if (found.kind === 'sql-folder') return planSqlFolder(folder, found.path, found.names)
  if (found.kind === 'schema') return planSchemaFile(folder, found.path)
  if (found.kind === 'prisma') return planPrisma(folder, found.path)
  if (found.kind === 'drizzle') return planDrizzle(folder, found.path, found.config)
  return planKnex(folder, found.path, config)
}

function nothingFound(folder: string): MigrationPlan {
  return {
    description: 'no migrations found (migrations/, prisma/, drizzle/, a knexfile or schema.sql)',
    fingerprint: {},
    watched: ['migrations', 'prisma', 'drizzle', 'schema.sql'].map(name => join(folder, name)),
    ownSeeds: [],
    mayCreateRoles: false,
    apply: async () => {},
  }
}
