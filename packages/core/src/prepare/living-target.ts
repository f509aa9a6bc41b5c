import type { ResolvedEnvironment } from '@seedbed/environments'
import { assertSameDatabase, type GuardedSession } from '@seedbed/environments/guard'
import type { SeedbedConfig } from '../config/config.js'
import type { LivingTarget } from '../migrations/migration-plan.js'
import { environmentVariables } from '../run/connection-variables.js'
import { loadPg } from '../server/load-pg.js'

/** The database that the guard's session is in, for migrations and seeds, which need sessions of their own. */
export function livingTarget(
  session: GuardedSession<'migrate'>,
  url: string,
  { name }: ResolvedEnvironment<string>,
  config: SeedbedConfig,
  progress: (line: string) => void,
): LivingTarget {
  return {
    ...{ url, environment: name, knownRoles: [], progress, variables: environmentVariables(url, name, config) },
    async connect() {
      const { Client } = loadPg()
      const client = new Client({ connectionString: url, application_name: 'seedbed prepare' })
      client.on('error', () => {}) // the query that runs, or the next, says so
      await client.connect()
      try {
        await assertSameDatabase(session, client)
        return client
      } catch (error) {
        await client.end()
        throw error
      }
    },
  }
}
