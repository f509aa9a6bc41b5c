import { configuredEnvironment, type ResolvedEnvironment } from '@seedbed/environments'
import type { ClaimSummary, Marker } from '@seedbed/environments/guard'
import { askedIn, type InProject } from './asked-in.js'
import { namedEnvironment } from './named-environment.js'

export interface ClaimOptions extends InProject {
  /** The environment, by its name or an alias. */
  name: string
  /** Is shown what is in a database, and answers whether it is the one that is meant. Each of the environment's databases in turn. */
  confirm: (summary: ClaimSummary, environment: ResolvedEnvironment<string>) => Promise<boolean>
}

/**
 * Marks the databases of an environment, which exist, as its own: those that Seedbed has not made, and those that were restored from
 * another environment. The marker is all that is written. At the first that is not confirmed it ends.
 *
 * @returns the markers that were written, by base name
 * @throws SeedbedError GUARD_CLAIM_DECLINED, GUARD_CLAIM_OF_PROTECTED, ENVIRONMENT_UNKNOWN, ENVIRONMENT_WITHOUT_URL,
 *   TEST_WITHOUT_URL, what `claimDatabase` throws, and what reading a config throws: CONFIG_CANNOT_LOAD, …
 * @example
 * await claimEnvironment({ folder: process.cwd(), name: 'staging', confirm: async ({ contents }) => contents.tables === 0 })
 */
export async function claimEnvironment({ folder, name, confirm }: ClaimOptions): Promise<Record<string, Marker>> {
  const asked = await askedIn({ folder })
  const configured = configuredEnvironment(name, `seedbed env claim ${name}`, asked)
  const environment = namedEnvironment(configured, `seedbed env claim ${name}`)
  const { claimDatabase } = await import('@seedbed/environments/guard')
  const markers: Record<string, Marker> = {}
  for (const database of Object.keys(environment.databases)) {
    markers[database] = await claimDatabase({ environment, database }, asked, summary => confirm(summary, environment))
  }
  return markers
}
