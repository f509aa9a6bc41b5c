import { addressOf, type Address } from './addresses.js'
import { placeOf } from './database-url.js'
import { environmentErrors } from './errors.js'
import type { KnownEnvironment, KnownEnvironments } from './known-environments.js'
import type { ResolveInput } from './resolve-environment.js'

/** Two environments with one database are one environment with two names, and what is safe in one is not in the other. */
export function checkAddresses(
  chosen: KnownEnvironment,
  addresses: Record<string, Address>,
  input: ResolveInput<string>,
  known: KnownEnvironments,
): void {
  const places = new Map<string, { environment: string; database: string }>()
  const add = (environment: string, database: string, url: string) => {
    const other = places.get(placeOf(url))
    if (other && !(other.environment === environment && other.database === database)) {
      const second = { environment, database }
      throw environmentErrors.ENVIRONMENTS_SHARE_DATABASE({ first: other, second, place: placeOf(url) })
    }
    places.set(placeOf(url), { environment, database })
  }
  for (const [database, { url }] of Object.entries(addresses)) add(chosen.name, database, url)
  for (const environment of known.named) {
    if (environment.name === chosen.name) continue
    for (const database of known.databases) {
      const address = addressOf(environment, database, input)
      if (address) add(environment.name, database, address.url)
    }
  }
}
