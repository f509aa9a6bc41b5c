import { connectionVariables as variablesOf, urlParts } from '@seedbed/environments'
import type { ConnectionParts, SeedbedConfig } from '../config/config.js'
import type { WorkerDatabase } from './run-handle.js'

/**
 * The environment of a worker that uses `url`: `null` stands for a variable that has to be unset.
 *
 * @example connectionVariables('postgresql://app:x@localhost:5432/w1', {}).PGDATABASE // 'w1'
 */
export function connectionVariables(url: string, config: SeedbedConfig): WorkerDatabase['variables'] {
  return {
    ...variablesOf(url),
    ENVIRONMENT: 'test',
    NODE_ENV: 'test',
    SEEDBED_DATABASE_URL: url,
    ...config.variables?.(connectionParts(url)),
  }
}

/** The same for a program that works on an environment's own database. */
export function environmentVariables(
  url: string,
  environment: string,
  config: SeedbedConfig,
): WorkerDatabase['variables'] {
  return { ...variablesOf(url), ENVIRONMENT: environment, ...config.variables?.(connectionParts(url)) }
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
