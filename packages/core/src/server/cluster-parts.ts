import { createHash } from 'node:crypto'
import type { InstalledBinaries } from './binaries.js'
import { ownVersion } from './own-package.js'
import type { ServerUser } from './server-user.js'
import { initdbFlags, settings } from './settings.js'

/** What a data folder depends on, but for the databases in it: a name for people → a value. No path is among it. */
export type ClusterParts = Record<string, string>

/**
 * Where all of it is the same, a data folder of another machine can be used: the files are as the architecture lays them
 * out, and indexes are sorted as the C library compares.
 *
 * @example clusterParts(await installedBinaries(), await serverUser())
 * // { PostgreSQL: '18.4', platform: 'linux-x64', 'C library': 'glibc 2.36', user: '1001', … }
 */
export function clusterParts({ platform, version }: InstalledBinaries, { uid }: ServerUser): ClusterParts {
  return {
    PostgreSQL: version,
    platform,
    'C library': cLibrary(),
    'user id of the server': String(uid),
    "server's settings": hash([settings, initdbFlags(platform)]),
    Seedbed: ownVersion(),
  }
}

/** How the first of two differs from the second; undefined if it does not. */
export function difference(its: ClusterParts, ours: ClusterParts): string | undefined {
  const name = Object.keys({ ...its, ...ours }).find(part => its[part] !== ours[part])
  return name && `its ${name} is ${its[name] ?? 'unknown'}, and here it is ${ours[name] ?? 'unknown'}`
}

function cLibrary(): string {
  if (process.platform !== 'linux') return process.platform
  // Without it, the report looks up the name of each address that this process is connected to.
  Object.assign(process.report, { excludeNetwork: true })
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime ? `glibc ${header.glibcVersionRuntime}` : 'not glibc'
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12)
}
