import { attempt } from '../errors/attempt.js'
import { SeedbedError } from '../errors/define-errors.js'
import { addressesOf, type Address } from './addresses.js'
import { environmentErrors } from './errors.js'
import { knownEnvironments, type KnownEnvironment, type KnownEnvironments } from './known-environments.js'
import type { ResolveInput } from './resolve-environment.js'
import { select } from './select.js'

/** An environment as the config has it, whether or not it is the one that is chosen. */
export interface ConfiguredEnvironment extends Pick<KnownEnvironment, 'name' | 'tier' | 'protected' | 'badge'> {
  aliases: readonly string[]
  /**
   * By base name: where each is, or why that cannot be told. Of `test` under a test runner, where databases are made when the
   * run starts, there is none.
   */
  databases: Record<string, Address | { missing: SeedbedError }>
  /** What was not followed and why. */
  notes: string[]
}

/**
 * Every environment that has a name of its own in the config, and `test`. Pure, as `resolveEnvironment`.
 *
 * @throws SeedbedError ENVIRONMENTS_MISCONFIGURED
 * @example configuredEnvironments({ config, variables: process.env }).map(({ name }) => name) // ['test', 'production']
 */
export function configuredEnvironments(input: ResolveInput<string>): ConfiguredEnvironment[] {
  const known = knownEnvironments(input.config)
  return known.named.map(environment => configured(environment, input, known))
}

/**
 * One of them by its name, an alias, or a name that the config's `*` stands for.
 *
 * @param said how it was named, for the error: `seedbed env show staging`
 * @throws SeedbedError ENVIRONMENT_UNKNOWN, ENVIRONMENTS_MISCONFIGURED
 */
export function configuredEnvironment(name: string, said: string, input: ResolveInput<string>): ConfiguredEnvironment {
  const known = knownEnvironments(input.config)
  const environment = known.find(name)
  if (environment) return configured(environment, input, known)
  throw environmentErrors.ENVIRONMENT_UNKNOWN({ said, name, known: known.named.map(each => each.name) })
}

/**
 * Which environment the rules choose, even if nothing says where it is.
 *
 * @throws SeedbedError what `resolveEnvironment` throws, but for what its addresses are the reason of
 * @example chooseEnvironment({ config, variables: { ENVIRONMENT: 'staging' } }).reason // 'ENVIRONMENT=staging'
 */
export function chooseEnvironment(input: ResolveInput<string>): { name: string; reason: string; notes: string[] } {
  const { environment, reason, notes } = select(input, knownEnvironments(input.config))
  return { name: environment.name, reason, notes }
}

function configured(
  environment: KnownEnvironment,
  input: ResolveInput<string>,
  known: KnownEnvironments,
): ConfiguredEnvironment {
  const { name, tier, badge, config } = environment
  const isProtected = environment.protected
  const notes = new Set<string>()
  const located = (databases: readonly string[]) => {
    const found = addressesOf(environment, input, { databases })
    for (const note of found.notes) notes.add(note)
    return found.addresses
  }
  const databases = attempt(() => located(known.databases))
  return {
    ...{ name, tier, protected: isProtected, badge, aliases: config.aliases ?? [] },
    databases: !(databases instanceof SeedbedError)
      ? databases
      : // One of them is missing, and the others need not be.
        Object.fromEntries(
          known.databases.map(database => {
            const alone = attempt(() => located([database])[database]!)
            return [database, alone instanceof SeedbedError ? { missing: alone } : alone]
          }),
        ),
    notes: [...notes],
  }
}
