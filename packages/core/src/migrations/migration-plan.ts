import type { Client } from 'pg'
import type { WorkerDatabase } from '../run/run-handle.js'
import type { MigrationHistory, Reader } from './migration-history.js'

/** What has to run to get from an empty database to the schema. Made by `planMigrations`; nothing has run yet. */
export interface MigrationPlan {
  /** What was found, for one line of output: `migrations/ (12 .sql files)`. */
  description: string
  /** What a schema is called that has had all of it: the last migration's name. Null if there is none. */
  version: string | null
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
  /** Reads what a database that keeps its data has had of it, and changes nothing. */
  history(db: Reader): Promise<MigrationHistory>
  /**
   * Runs what such a database has not had yet, in order. Each migration is noted together with what it does, so that one that
   * was interrupted is not taken for done. Where nothing is pending, nothing is written.
   *
   * @returns the names of those that ran
   */
  migrate(target: LivingTarget): Promise<string[]>
  /** Loads `ownSeeds`, as `apply` does. */
  seed?(target: LivingTarget): Promise<void>
  /**
   * Notes of a database that has tables and no notes that it has had all migrations up to `last`. Left out where the tool keeps
   * its own.
   *
   * @returns the names of those that were noted
   * @throws MIGRATION_UNKNOWN, MIGRATIONS_RECORDED
   */
  adopt?(target: LivingTarget, last: string): Promise<string[]>
}

export interface MigrationTarget {
  /** The database under construction, as the application's role. */
  url: string
  /** Roles that an earlier build of ours created: `CREATE ROLE` alters them instead, for roles outlive a database. */
  knownRoles: readonly string[]
}

/** A database that lives on. */
export interface LivingTarget extends MigrationTarget {
  /** The environment's name. */
  environment: string
  /** Those of a program that works on it: see `environmentVariables`. */
  variables: WorkerDatabase['variables']
  /** Connects to it, and makes sure that it is the one that the guard has looked at. */
  connect(): Promise<Client>
  /** Is told which migration comes next. */
  progress(name: string): void
}
