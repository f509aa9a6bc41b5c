import type { Variables } from '../config.js'
import { environmentErrors } from './errors.js'

/** Where a worker of a run says which database is its own. Set together with DATABASE_URL, which others set as well. */
export const workerUrlVariable = 'SEEDBED_DATABASE_URL'

/**
 * What runs tests here, if anything does, by the variables that it sets for its workers and that their children inherit.
 *
 * @example runnerOf({ VITEST: 'true' }) // 'Vitest'
 */
export function runnerOf(variables: Variables): string | undefined {
  if (isSet(variables.VITEST)) return 'Vitest'
  if (isSet(variables.JEST_WORKER_ID)) return 'Jest'
  if (isSet(variables.NODE_TEST_CONTEXT)) return 'node:test'
  if (isSet(variables.TEST_WORKER_INDEX)) return 'Playwright'
  if (isSet(variables[workerUrlVariable])) return 'seedbed run'
  return undefined
}

/** Blank is unset: `set USE_STG_DATABASE=` leaves a blank behind in some shells. */
export function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== ''
}

/**
 * Whether a switch is on.
 *
 * @throws SeedbedError ENVIRONMENT_FLAG_UNCLEAR if it is neither on nor off: to guess is to go to the wrong database
 */
export function isOn(variable: string, variables: Variables): boolean {
  const value = variables[variable]?.trim().toLowerCase() ?? ''
  if (['true', '1', 'yes', 'on'].includes(value)) return true
  if (['', 'false', '0', 'no', 'off'].includes(value)) return false
  throw environmentErrors.ENVIRONMENT_FLAG_UNCLEAR({ variable })
}

/** Whether a platform, or a CI, says that it is there: by any value that is no "no". */
export function isThere(variable: string, variables: Variables): boolean {
  const value = variables[variable]?.trim().toLowerCase() ?? ''
  return !['', 'false', '0', 'no', 'off'].includes(value)
}
