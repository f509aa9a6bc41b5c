import type { BadgeColour, EnvironmentConfig, EnvironmentsConfig, Tier } from '../config.js'
import { environmentErrors } from './errors.js'

/** An environment of the config, with what its config leaves out. */
export interface KnownEnvironment {
  name: string
  tier: Tier
  protected: boolean
  badge: { label: string; colour: BadgeColour }
  config: EnvironmentConfig
}

export interface KnownEnvironments {
  /** Those with a key of their own; `test` always is among them. */
  named: KnownEnvironment[]
  /** The base names of the databases that each has. */
  databases: readonly string[]
  /** By name or alias, in any case and with blanks around it, or made like `*`. */
  find(name: string): KnownEnvironment | undefined
}

const tiers: readonly Tier[] = ['test', 'development', 'staging', 'production']

const badges: Record<Tier, KnownEnvironment['badge']> = {
  test: { label: 'TEST', colour: 'green' },
  development: { label: 'DEV', colour: 'cyan' },
  staging: { label: 'STG', colour: 'yellow' },
  production: { label: 'PROD', colour: 'red' },
}

/** The badge of a tier, for an environment that the config does not have any more; a log may say anything. */
export function tierBadge(tier: string): KnownEnvironment['badge'] {
  const known = tiers.find(each => each === tier)
  return known ? badges[known] : { label: '?', colour: 'red' }
}

/**
 * The environments of a config.
 *
 * @throws SeedbedError ENVIRONMENTS_MISCONFIGURED: a tier is missing, two share a name, a name cannot be one
 * @example knownEnvironments({ environments: { int: { tier: 'test' } } }).find(' INT ')?.tier // 'test'
 */
export function knownEnvironments(config: EnvironmentsConfig<string>): KnownEnvironments {
  const { '*': others, ...environments } = config.environments ?? {}
  const byName = new Map<string, KnownEnvironment>()
  const named = Object.entries({ test: {}, ...environments }).map(([key, each]) => describe(key, key, each))
  for (const environment of named) {
    for (const name of [environment.name, ...(environment.config.aliases ?? [])].map(normalName)) {
      const other = byName.get(name)
      if (other) throw misconfigured(`environments.${environment.name}`, `${other.name} is called "${name}" too`)
      if (!isName(name)) throw misconfigured(`environments.${environment.name}`, `"${name}" cannot be a name`)
      byName.set(name, environment)
    }
  }
  if (others) describe('*', '*', others)
  if (byName.get('test')?.tier !== 'test') throw misconfigured('environments.test.tier', 'tests run there: it is test')
  return {
    named,
    databases: config.databases ?? ['main'],
    find(given) {
      const name = normalName(given)
      const found = byName.get(name)
      if (found || !others || !isName(name)) return found
      return describe(name, '*', others)
    },
  }
}

function describe(name: string, key: string, given: EnvironmentConfig): KnownEnvironment {
  const config = key === 'test' && !hasSource(given) ? { ...given, variable: 'TEST_DATABASE_URL' } : given
  const tier = config.tier ?? tiers.find(tier => tier === normalName(key))
  if (!tier)
    throw misconfigured(`environments.${key}.tier`, `it is missing, and "${key}" is none of ${tiers.join(', ')}`)
  if (!tiers.includes(tier)) throw misconfigured(`environments.${key}.tier`, `it is none of ${tiers.join(', ')}`)
  if (key === '*' && tier === 'production') {
    throw misconfigured('environments.*.tier', 'production needs a name of its own')
  }
  if (tier === 'production' && config.protected === false) {
    throw misconfigured(`environments.${key}.protected`, 'production always is')
  }
  return {
    name: normalName(name),
    tier,
    protected: tier === 'production' || config.protected === true,
    badge: { ...badges[tier], ...config.badge },
    config,
  }
}

function hasSource({ url, variable, parts, internal, external, databases }: EnvironmentConfig): boolean {
  return [url, variable, parts, internal, external, databases].some(source => source !== undefined)
}

/** Names are compared without case and without the blanks that a Windows shell leaves: `set ENVIRONMENT=test && …`. */
export function normalName(name: string): string {
  return name.trim().toLowerCase()
}

function isName(name: string): boolean {
  return /^[a-z0-9][a-z0-9_-]*$/.test(name)
}

export function misconfigured(option: string, problem: string) {
  return environmentErrors.ENVIRONMENTS_MISCONFIGURED({ option, problem })
}
