import type { BadgeColour, EnvironmentsConfig, Tier, Variables } from '../config.js'
import { addressesOf, type Address } from './addresses.js'
import { checkAddresses } from './check-addresses.js'
import { knownEnvironments } from './known-environments.js'
import { select } from './select.js'

export interface ResolveInput<Database extends string = 'main'> {
  config: EnvironmentsConfig<Database>
  /** The process's variables: `process.env`. */
  variables: Variables
  /** What the project's `.env` says; the process's variables go before it. @default {} */
  envFile?: Variables
  /** The environment that the command line names: `--env staging`. */
  flag?: string | undefined
  /** The git branch, if there is one; `readBranch` finds it. */
  branch?: string | undefined
  /**
   * Who asks. Where nothing says where to go, a command goes to test and an application to development. A test run that is
   * about to start goes to test, whatever is said. @default 'application'
   */
  purpose?: 'application' | 'command' | 'run'
}

export interface ResolvedEnvironment<Database extends string = 'main'> {
  /** `staging`, or a branch's: `feature-x`. */
  name: string
  tier: Tier
  /** Whether nothing destructive may touch it. */
  protected: boolean
  badge: { label: string; colour: BadgeColour }
  /** By base name. Of a test environment without a URL, which is made when a run starts, there is none. */
  databases: { [Name in Database]?: Address }
  /** Whether somebody has named it: on the command line, by a selection flag or a variable. */
  explicit: boolean
  /** In a few words, which rule decided: `DATABASE_TARGET=render_dev`. */
  reason: string
  /** What was not followed and why, a sentence each. */
  notes: string[]
}

/**
 * Which environment this is, by the rules of the config. Pure: it reads no file, no variable and opens no connection.
 * Production comes only of an explicit choice: the command line, a selection flag or a variable.
 *
 * @throws SeedbedError ENVIRONMENT_UNKNOWN, ENVIRONMENT_CONTRADICTION, ENVIRONMENT_FLAG_UNCLEAR, PRODUCTION_NOT_CHOSEN,
 *   ENVIRONMENT_WITHOUT_URL, ENVIRONMENT_URL_INVALID, ENVIRONMENT_NAME_TOO_LONG, ENVIRONMENTS_SHARE_DATABASE, TEST_WITHOUT_URL,
 *   ENVIRONMENTS_MISCONFIGURED
 * @example
 * const { name, databases, reason } = resolveEnvironment({ config, variables: { ENVIRONMENT: 'staging' } })
 * // 'staging', { main: { url: 'postgresql://…/shop_staging', database: 'shop_staging' } }, 'ENVIRONMENT=staging'
 */
export function resolveEnvironment<Database extends string = 'main'>(
  input: ResolveInput<Database>,
): ResolvedEnvironment<Database> {
  const known = knownEnvironments(input.config)
  const { environment, explicit, reason, notes } = select(input, known)
  const { addresses, notes: placeNotes } = addressesOf(environment, input, known)
  checkAddresses(environment, addresses, input, known)
  const { name, tier, badge } = environment
  return {
    name,
    tier,
    protected: environment.protected,
    badge,
    databases: addresses as ResolvedEnvironment<Database>['databases'],
    explicit,
    reason,
    notes: [...notes, ...placeNotes],
  }
}
