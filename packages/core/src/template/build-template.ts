import type { Client } from 'pg'
import type { SeedbedConfig } from '../config/config.js'
import type { MigrationPlan } from '../migrations/migration-plan.js'
import type { PreservedRows } from '../preserve/preserved-rows.js'
import { connectionParts } from '../run/connection-variables.js'
import type { SeedPlan } from '../seeds/find-seeds.js'
import { loadSeeds } from '../seeds/load-seeds.js'
import type { SeedLabels } from '../seeds/seed-labels.js'
import { withDatabase } from '../server/database-url.js'
import { loadPg } from '../server/load-pg.js'
import type { Server } from '../server/server.js'
import { bindRoleSettings } from './bind-role-settings.js'
import { createExtensions } from './create-extensions.js'
import { rememberRoles } from './remember-roles.js'

export interface TemplateSources {
  server: Server
  folder: string
  config: SeedbedConfig
  migrations: MigrationPlan
  seeds: SeedPlan
  /** Rows of the test database that tests see, too. */
  preserved?: PreservedRows | null
}

/** What is known of a template once it is built. */
export interface Built {
  labels: SeedLabels
  /** Whether it has unlogged tables, which a server empties when it recovers from a crash. */
  unlogged: boolean
}

/**
 * Makes an empty database the template of a project: extensions as the administrator, then migrations and seeds as the
 * application's role, which owns the database.
 */
export async function buildTemplate(database: string, sources: TemplateSources): Promise<Built> {
  const { server, config, migrations, seeds, folder, preserved } = sources
  const url = withDatabase(server.applicationUrl, database)
  if (config.extensions?.length) {
    const admin = await connect(withDatabase(server.adminUrl, database))
    try {
      await createExtensions(admin, config.extensions, server.description)
    } finally {
      await admin.end()
    }
  }
  const isOurs = server.adminUrl !== server.applicationUrl
  const lend = isOurs ? connectionParts(server.applicationUrl).user : undefined
  await rememberRoles({ adminUrl: server.adminUrl, lend, migrations }, knownRoles =>
    migrations.apply({ url, knownRoles }),
  )
  const application = await connect(url)
  try {
    if (isOurs) await bindRoleSettings(application)
    const beforeCommit = async () => {
      if (!preserved) return undefined
      const [{ addPreservedRows }, { keysAfter }] = await Promise.all([
        import('../preserve/add-preserved-rows.js'),
        import('../preserve/keys-after.js'),
      ])
      return keysAfter(await addPreservedRows(application, preserved))
    }
    const labels = await loadSeeds(application, seeds.files, { projectFolder: folder, beforeCommit })
    const { rows } = await application.query<{ unlogged: boolean }>(
      "select exists (select from pg_catalog.pg_class where relpersistence = 'u') as unlogged",
    )
    return { labels, unlogged: rows[0]!.unlogged }
  } finally {
    await application.end()
  }
}

async function connect(url: string): Promise<Client> {
  const { Client } = loadPg()
  const client = new Client({ connectionString: url, application_name: 'seedbed build' })
  await client.connect()
  return client
}
