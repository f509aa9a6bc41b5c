import { connectionVariables as variablesOf, urlParts } from '@seedbed/environments'
import { describeValue } from '../config/check-config.js'
import type { ConnectionParts, SeedbedConfig } from '../config/config.js'
import { configErrors } from '../config/errors.js'
import type { WorkerDatabase } from './run-handle.js'

/**
 * The environment of a worker that uses `url`: `null` stands for a variable that has to be unset.
 *
 * @example connectionVariables('postgresql://app:x@localhost:5432/w1', {}).PGDATABASE // 'w1'
 */
export function connectionVariables(url: string, config: SeedbedConfig): WorkerDatabase['variables'] {
  const own = { ...variablesOf(url), ENVIRONMENT: 'test', NODE_ENV: 'test', SEEDBED_DATABASE_URL: url }
  return { ...own, ...configuredVariables(url, config, own) }
}

/** The same for a program that works on an environment's own database. */
export function environmentVariables(
  url: string,
  environment: string,
  config: SeedbedConfig,
): WorkerDatabase['variables'] {
  const own = { ...variablesOf(url), ENVIRONMENT: environment }
  return { ...own, ...configuredVariables(url, config, own) }
}

/**
 * What the config's `variables` answers with. A name of ours in it would lead tests to another database than theirs.
 *
 * @throws CONFIG_VARIABLES
 */
function configuredVariables(url: string, config: SeedbedConfig, own: object): Record<string, string> {
  const given: unknown = config.variables?.(connectionParts(url)) ?? {}
  if (typeof given !== 'object' || given === null || given instanceof Promise) {
    const what = given instanceof Promise ? 'a promise' : describeValue(given)
    throw configErrors.CONFIG_VARIABLES({ problem: `answers with ${what}, not with an object of texts` })
  }
  return Object.fromEntries(
    Object.entries(given).map(([name, value]: [string, unknown]) => {
      if (name in own) throw configErrors.CONFIG_VARIABLES({ problem: `names ${name}, which is not its to set` })
      if (typeof value === 'string' || typeof value === 'number') return [name, String(value)]
      throw configErrors.CONFIG_VARIABLES({ problem: `gives ${name} no text: it is ${describeValue(value)}` })
    }),
  )
}

/** A URL in the parts that `variables` of the config is called with. */
export function connectionParts(url: string): ConnectionParts {
  return {
    ...urlParts(url),
    urlOf(user) {
      const other = new URL(url)
      other.username = encodeURIComponent(user)
      return other.href
    },
  }
}
