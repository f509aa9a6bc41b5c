import type { MigrationPlan } from '../migrations/migration-plan.js'
import { loadPg } from '../server/load-pg.js'

/**
 * Runs migrations so that they can create roles again. Roles belong to the whole server and outlive a database, so `CREATE ROLE`
 * in a migration would fail at the second build. Those that a build has created carry a comment that says so, and the next build
 * is told of them.
 *
 * On a server of ours the application's role may create roles while its migrations run, and only then; builds that do
 * so take turns, since the right belongs to the role and not to a session.
 *
 * @param options.lend the role that gets the right to create roles meanwhile
 */
export async function rememberRoles(
  options: { adminUrl: string; lend?: string | undefined; migrations: Pick<MigrationPlan, 'mayCreateRoles'> },
  migrate: (knownRoles: string[]) => Promise<void>,
): Promise<void> {
  if (!options.migrations.mayCreateRoles) return migrate([])
  const { Client, escapeIdentifier, escapeLiteral } = loadPg()
  const role = options.lend === undefined ? undefined : escapeIdentifier(options.lend)
  // An advisory lock is per database; this one has to be the same for all builds, so not the database being built.
  const admin = new Client({ connectionString: options.adminUrl, application_name: 'seedbed build' })
  await admin.connect()
  try {
    await admin.query('select pg_advisory_lock($1)', [rolesLock])
    const { rows: before } = await admin.query<{ oid: string; name: string; comment: string | null }>(
      "select oid::text, rolname as name, shobj_description(oid, 'pg_authid') as comment from pg_roles",
    )
    if (role !== undefined) await admin.query(`alter role ${role} createrole`)
    try {
      await migrate(before.filter(({ comment }) => comment === createdByMigrations).map(({ name }) => name))
    } finally {
      // Also those of a migration that failed later: they are there, and the next build meets them.
      const { rows: created } = await admin.query<{ name: string }>(
        'select rolname as name from pg_roles where not oid = any($1::oid[])',
        [before.map(({ oid }) => oid)],
      )
      for (const { name } of created) {
        await admin.query(`comment on role ${escapeIdentifier(name)} is ${escapeLiteral(createdByMigrations)}`)
      }
      if (role !== undefined) await admin.query(`alter role ${role} nocreaterole`)
    }
  } finally {
    // Ending the session gives the lock back.
    await admin.end()
  }
}

const createdByMigrations = 'seedbed: created by migrations'
const rolesLock = 0x5eed
