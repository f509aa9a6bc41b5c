import { chooseEnvironment, configuredEnvironment, type AskedHere } from '@seedbed/environments'
import type { GuardTarget } from '@seedbed/environments/guard'
import { printableUrl } from '../server/database-url.js'
import type { Telling } from './in-environment.js'
import { namedEnvironment } from './named-environment.js'

/**
 * The first database, where migrations run, of the environment that is chosen here; for the guard.
 *
 * @param begin is told where that is
 * @throws SeedbedError ENVIRONMENT_UNKNOWN, ENVIRONMENT_WITHOUT_URL, TEST_WITHOUT_URL, …
 */
export function chosenTarget(asked: AskedHere<string>, begin: Telling['begin']): GuardTarget {
  const { name, reason } = chooseEnvironment(asked)
  const environment = namedEnvironment(configuredEnvironment(name, reason, asked), reason)
  const database = Object.keys(environment.databases)[0]!
  begin?.({ environment, server: printableUrl(environment.databases[database]!.url) })
  return { environment, database }
}
