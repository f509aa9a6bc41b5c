import { createHash } from 'node:crypto'
import { loadProject, readPlans } from '../run/open-project.js'
import { installedBinaries } from '../server/binaries.js'
import { clusterParts } from '../server/cluster-parts.js'
import { describeTestServer } from '../server/open-server.js'
import { serverUser } from '../server/server-user.js'
import { fingerprintParts } from '../template/ensure-template.js'
import { prepareErrors } from './errors.js'

export interface CacheKey {
  /** `seedbed-linux-x64-18.4-0f3a…`: letters, digits, `-`, `_` and `.`. */
  key: string
  /** All that it is made of: a name for people → a version or hash. */
  parts: Record<string, string>
}

/**
 * The key of a CI's cache for the cluster that `prepare` fills: it changes when a migration, a seed, PostgreSQL, Seedbed or
 * the kind of machine does, and is the same wherever all of that is, whatever the folders are called. Nothing is started
 * and nothing is connected to; but a knexfile is loaded, as in every run.
 *
 * @param folder the project's config is looked for from here upwards
 * @throws CACHE_NOTHING_TO_KEEP where the tests do not run on the PostgreSQL from npm, SERVER_NO_BINARIES, and what config,
 *   migrations and seeds throw that cannot be read
 * @example (await cacheKey(process.cwd())).key // 'seedbed-linux-x64-18.4-0f3a8c…'
 */
export async function cacheKey(folder: string): Promise<CacheKey> {
  const loaded = await loadProject(folder)
  const { config, testUrl } = loaded
  const isEmbedded = config.server === undefined || config.server === 'embedded'
  if (testUrl !== undefined || !isEmbedded) {
    throw prepareErrors.CACHE_NOTHING_TO_KEEP({ server: describeTestServer(loaded) })
  }
  const [installed, user, plans] = await Promise.all([installedBinaries(), serverUser(), readPlans(loaded)])
  const { platform, version } = installed
  const all = { ...fingerprintParts({ ...plans, version }), ...clusterParts(installed, user) }
  const sorted = Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const hash = createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 32)
  return { key: `seedbed-${platform}-${version}-${hash}`, parts: Object.fromEntries(sorted) }
}
