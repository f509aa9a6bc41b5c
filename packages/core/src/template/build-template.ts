import type { Client } from 'pg'
import type { SeedbedConfig } from '../config/config.js'
import type { MigrationPlan } from '../migrations/migration-plan.js'
import { connectionParts } from '../run/connection-variables.js'
import type { SeedPlan } from '../seeds/find-seeds.js'
import { loadSeeds } from '../seeds/load-seeds.js'
import type { SeedLabels } from '../seeds/seed-labels.js'
import { withDatabase } from '../server/database-url.js'
import { loadPg } from '../server/load-pg.js'
import type { Server } from '../server/server.js'
import { templateErrors } from './errors.js'

export interface TemplateSources {
  server: Server
  folder: string
  config: SeedbedConfig
  migrations: MigrationPlan
  seeds: SeedPlan
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
  const { server, config, migrations, seeds, folder } = sources
  const url = withDatabase(server.applicationUrl, database)
  if (config.extensions?.length) {
    await createExtensions(withDatabase(server.adminUrl, database), config.extensions, server.description)
  }
  await rememberRoles(sources, knownRoles => migrations.apply({ url, knownRoles }))
  const application = await connect(url)
  try {
    const labels = await loadSeeds(application, seeds.files, { projectFolder: folder })
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

async function createExtensions(adminUrl: string, extensions: readonly string[], server: string): Promise<void> {
  const admin = await connect(adminUrl)
  try {
    for (const extension of extensions) {
      await admin
        .query(`create extension if not exists ${loadPg().escapeIdentifier(extension)} cascade`)
        .catch(error => {
          throw templateErrors.EXTENSION_UNAVAILABLE(
            { extension, server, reason: (error as Error).message },
            { cause: error },
          )
        })
    }
  } finally {
    await admin.end()
  }
}

/**
 * Roles belong to the whole server and outlive a database, so `CREATE ROLE` in a migration would fail at the second
 * build. Those that a build has created carry a comment that says so, and the next build is told of them.
 *
 * On a server of ours the application's role may create roles while its migrations run, and only then; builds that do
 * so take turns, since the right belongs to the role and not to a session.
 */
async function rememberRoles(
  { server, migrations }: TemplateSources,
  migrate: (knownRoles: string[]) => Promise<void>,
): Promise<void> {
  if (!migrations.mayCreateRoles) return migrate([])
  const role = loadPg().escapeIdentifier(connectionParts(server.applicationUrl).user)
  const ours = server.adminUrl !== server.applicationUrl
  // An advisory lock is per database; this one has to be the same for all builds, so not the database being built.
  const admin = await connect(server.adminUrl)
  try {
    await admin.query('select pg_advisory_lock($1)', [rolesLock])
    const { rows: before } = await admin.query<{ oid: string; name: string; comment: string | null }>(
      "select oid::text, rolname as name, shobj_description(oid, 'pg_authid') as comment from pg_roles",
    )
    if (ours) await admin.query(`alter role ${role} createrole`)
    try {
      await migrate(before.filter(({ comment }) => comment === createdByMigrations).map(({ name }) => name))
    } finally {
      // Also those of a migration that failed later: they are there, and the next build meets them.
      const { rows: created } = await admin.query<{ name: string }>(
        'select rolname as name from pg_roles where not oid = any($1::oid[])',
        [before.map(({ oid }) => oid)],
      )
      for (const { name } of created) {
        await admin.query(
          `comment on role ${loadPg().escapeIdentifier(name)} is ${loadPg().escapeLiteral(createdByMigrations)}`,
        )
      }
      if (ours) await admin.query(`alter role ${role} nocreaterole`)
    }
  } finally {
    // Ending the session gives the lock back.
    await admin.end()
  }
}

const createdByMigrations = 'seedbed: created by migrations'
const rolesLock = 0x5eed
