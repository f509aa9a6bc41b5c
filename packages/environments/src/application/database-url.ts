import { openAudit } from '../audit/audit.js'
import type { ResolvedEnvironment } from '../resolve/resolve-environment.js'
import { resolveEnvironment } from '../resolve/resolve-environment.js'
import { runnerOf } from '../resolve/runner.js'
import { requireConsent } from './consent.js'
import { askedHere, type AskedHere, type EnvironmentOptions } from './current-environment.js'
import { inDialect, type Dialect } from './dialect.js'
import { applicationErrors } from './errors.js'

export interface DatabaseUrlOptions<Database extends string = 'main'> extends EnvironmentOptions<Database> {
  /** Which of the environment's databases. @default the first */
  database?: NoInfer<Database>
  /**
   * `true`: only ever test. `false`: never test, but under a test runner. Left out: what the rules choose, and test only
   * if it has been named.
   */
  testMode?: boolean
  /** Through the pooler that the config names, if it names one. @default false */
  pooled?: boolean
  /** The form that the driver wants. @default 'postgresql' */
  dialect?: Dialect
}

/**
 * The URL of this process's database: what an application, a script or a service in another language connects to. It never
 * asks; production without consent throws.
 *
 * @returns a URL with its password: `postgresql://app:secret@db.example.com:5432/shop`
 * @throws SeedbedError PRODUCTION_WITHOUT_CONSENT, NOT_IN_TEST_MODE, TEST_NOT_CHOSEN, DATABASE_NOT_HERE, and what
 *   `currentEnvironment` throws
 * @example const pool = new Pool({ connectionString: databaseUrl() })
 */
export function databaseUrl<Database extends string = 'main'>(options: DatabaseUrlOptions<Database> = {}): string {
  return inDialect(openEnvironment(options).url, options.dialect ?? 'postgresql')
}

/** The environment that this process may connect to, and the plain URL of one of its databases. */
export function openEnvironment<Database extends string>(
  options: DatabaseUrlOptions<Database>,
): { asked: AskedHere<Database>; environment: ResolvedEnvironment<Database>; url: string } {
  const { testMode, pooled = false } = options
  const asked = askedHere(options)
  const input = testMode === true ? { ...asked, flag: 'test' } : asked
  const environment = resolveEnvironment(input)
  const { name, tier, reason } = environment
  const isTestRun = runnerOf(input.variables) !== undefined
  if (tier === 'test' && testMode !== true && !isTestRun) {
    if (testMode === false) throw applicationErrors.NOT_IN_TEST_MODE({ reason })
    if (!environment.explicit) throw applicationErrors.TEST_NOT_CHOSEN({ reason })
  }
  requireConsent(environment, { ...input, terminal: process.stdin.isTTY })
  // A test run says itself where it goes.
  if (!isTestRun) openAudit(input).selection(environment)
  const databases = Object.keys(environment.databases) as Database[]
  const database = options.database ?? input.config.databases?.[0] ?? ('main' as Database)
  const address = environment.databases[database]
  if (!address) throw applicationErrors.DATABASE_NOT_HERE({ environment: name, database, known: databases })
  return { asked, environment, url: pooled ? (address.pooled ?? address.url) : address.url }
}
