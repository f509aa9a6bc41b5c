import type { Address, ConfiguredEnvironment, ResolvedEnvironment } from '@seedbed/environments'

/**
 * An environment that somebody has named, for the guard: under a test runner too, where it refuses what is not test.
 *
 * @throws SeedbedError why nothing says where one of its databases is: ENVIRONMENT_WITHOUT_URL, TEST_WITHOUT_URL, …
 */
export function namedEnvironment(configured: ConfiguredEnvironment, reason: string): ResolvedEnvironment<string> {
  const databases: Record<string, Address> = {}
  for (const [database, address] of Object.entries(configured.databases)) {
    if ('missing' in address) throw address.missing
    databases[database] = address
  }
  const { name, tier, badge, notes } = configured
  return { name, tier, protected: configured.protected, badge, databases, explicit: true, reason, notes }
}
