import { everyUrl } from './addresses.js'
import { knownEnvironments } from './known-environments.js'
import type { ResolveInput } from './resolve-environment.js'

/** A database by one of its addresses. */
export interface NamedUrl {
  environment: string
  protected: boolean
  /** Its base name. */
  database: string
  /** With its password. */
  url: string
}

/**
 * Every address of every database that the config names, the internal and the pooled ones too, as far as variables give them.
 *
 * @example everyDatabase(input).filter(each => each.protected)
 */
export function everyDatabase(input: ResolveInput<string>): NamedUrl[] {
  const { named, databases } = knownEnvironments(input.config)
  return named.flatMap(environment =>
    databases.flatMap(database =>
      everyUrl(environment, database, input).map(url => ({
        environment: environment.name,
        protected: environment.protected,
        database,
        url,
      })),
    ),
  )
}
