/** What has to run to get from an empty database to the schema. Made by `planMigrations`; nothing has run yet. */
export interface MigrationPlan {
  /** What was found, for one line of output: `migrations/ (12 .sql files)`. */
  description: string
  /** What decides whether a template is still good: a name for people (`migrations/003_orders.sql`) → a hash or version. */
  fingerprint: Record<string, string>
  /** Files and folders, absolute, whose change may change the plan: what watch mode watches. */
  watched: string[]
  /** Seed files, absolute, that the migration tool loads itself in `apply`: knex's. They are none of Seedbed's seeds. */
  ownSeeds: string[]
  /** Whether it may create roles, so that the build gives the application's role CREATEROLE meanwhile. */
  mayCreateRoles: boolean
  /** Runs them on an empty database as the application's role. Throws a `SeedbedError` with file, line and column. */
  apply(target: MigrationTarget): Promise<void>
}

export interface MigrationTarget {
  /** The database under construction, as the application's role. */
  url: string
  /** Roles that an earlier build of ours created: `CREATE ROLE` alters them instead, for roles outlive a database. */
  knownRoles: readonly string[]
}
