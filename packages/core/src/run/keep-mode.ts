import type { SeedbedConfig } from '../config/config.js'
import { configErrors } from '../config/errors.js'

/**
 * Whether what failed tests have seen is kept: SEEDBED_KEEP says it, else the config. The variable set to nothing keeps
 * nothing, whatever the config says.
 *
 * @param testUrl of a server that is somebody else's, which stays
 * @throws VARIABLE_WRONG_VALUE, KEEP_IN_CONTAINER
 * @example keepsFailed({ keep: 'failed' }, process.env)
 */
export function keepsFailed(config: SeedbedConfig, { SEEDBED_KEEP }: NodeJS.ProcessEnv, testUrl?: string): boolean {
  if ((SEEDBED_KEEP ?? config.keep ?? '') === '') return false
  if (SEEDBED_KEEP !== undefined && SEEDBED_KEEP !== 'failed') {
    const expected = "'failed', or nothing"
    throw configErrors.VARIABLE_WRONG_VALUE({ variable: 'SEEDBED_KEEP', expected, got: shownValue(SEEDBED_KEEP) })
  }
  if (testUrl === undefined && isThrownAway(config)) throw configErrors.KEEP_IN_CONTAINER(undefined)
  return true
}

/** What a variable holds, for an error: a URL may have got there by mistake, with its password. */
export const shownValue = (value: string) => (value.includes('://') ? 'a URL' : `'${value}'`)

/** Whether the server goes with the last run, and all databases with it. */
function isThrownAway(config: SeedbedConfig): boolean {
  const { server } = config
  return typeof server === 'object' ? server.container.reuse !== true : server === 'container'
}
