import type { EnvironmentsConfig, UrlParts } from '@seedbed/environments'

/** What a user may write into `seedbed.config.ts`. Every field is optional; what is not said is detected. */
export interface SeedbedConfig extends EnvironmentsConfig<string> {
  /**
   * A folder of `.sql` files, a `schema.sql`, a knexfile, a `prisma/` or `drizzle/` folder, or a command.
   * @default detected: `migrations/`, `prisma/`, `drizzle/`, a knexfile or `schema.sql`; two of them are an error
   */
  migrations?: string | MigrationCommand
  /**
   * A file or folder, or several, of `.json`, `.sql`, `.ts` and `.js` seeds, loaded in natural order of their names.
   * @default `seeds/` where it exists
   */
  seeds?: string | string[]
  /**
   * How a test is kept from the others: by a transaction that is rolled back; on a database in which it may commit, which is put back
   * after it; or on a database of its own. `isolation()` of `@seedbed/vitest` or `@seedbed/jest` says it for a file, a describe, a test.
   * @default 'transaction'
   */
  isolation?: Isolation
  /**
   * When sequences go back to where the seed left them, which no rollback does: after each file, so that a file gets the
   * same ids in every run, or after each test that has used the database, so that a test does.
   * @default 'file'
   */
  sequences?: 'file' | 'test'
  /**
   * Further log-ins of the application, by name: each acts as a role that the application's role is a member of, so that
   * grants and row-level security hold for it as in production. `variables` is where their URLs go:
   * `({ urlOf }) => ({ JOBS_DATABASE_URL: urlOf('jobs') })`
   */
  users?: Record<string, { role?: string }>
  /**
   * Whether a worker's sandbox answers in a thread of its own, so that a test may wait for another program synchronously
   * (`execSync('psql …')`). Every query costs more then. @default false
   */
  ownThread?: boolean
  /**
   * Keeps what a failed test has seen as a database of its own, to look at. SEEDBED_KEEP=failed does the same for one run.
   * @default nothing is kept
   */
  keep?: 'failed'
  /** Where databases live if `environments.test` has no URL. @default 'embedded' */
  server?: 'embedded' | 'container' | ContainerServer
  /**
   * Variables that the application reads besides DATABASE_URL and PG*, from the worker's connection. It is called before
   * there is a worker: the port stands for the one to come, and is replaced in the texts that you make of it.
   */
  variables?: (connection: ConnectionParts) => Record<string, string>
  /**
   * What makes an environment ready after its migrations and seeds: `seedbed prepare` runs each, in this order, by the shell in the
   * config's folder with DATABASE_URL, PG* and ENVIRONMENT of that environment. Templates of a test run have none of it, nor has
   * production. `[{ name: 'embeddings', run: 'node scripts/embed.js' }]`
   */
  steps?: PrepareStep[]
  /** Extensions that the server's administrator creates in every template before the migrations. */
  extensions?: string[]
}

/** What a test may do to its database, from what costs least to what allows most. */
export type Isolation = 'transaction' | 'restore' | 'database'

/** A migration tool that Seedbed does not know: run once per template with DATABASE_URL and PG* set. */
export interface MigrationCommand {
  /** For instance `npx typeorm migration:run -d data-source.ts`; run by the shell in the config's folder. */
  command: string
  /** Files and folders whose content decides whether the template is still good. At least one. */
  dependsOn: string[]
}

/** A command of the project's own. */
export interface PrepareStep {
  /** What it is called in what is printed and noted; no two have the same. */
  name: string
  /** A line for the shell. */
  run: string
}

export interface ContainerServer {
  container: {
    /** @default 'postgres:18-alpine' */
    image?: string
    /** Keep the container for the next run. @default false */
    reuse?: boolean
  }
}

/** A connection in the parts that `variables` is called with. */
export interface ConnectionParts extends UrlParts {
  /** The URL of one of `users`. */
  urlOf(user: string): string
}

/**
 * Types a config file; returns what it is given.
 *
 * @example export default defineConfig({ migrations: './migrations', seeds: './seeds' })
 */
export function defineConfig(config: SeedbedConfig): SeedbedConfig {
  return config
}
