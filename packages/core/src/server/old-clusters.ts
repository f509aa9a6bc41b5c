import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readRecord } from './cluster-record.js'
import { runningServer } from './data-folder.js'
import { isCopy } from './file-identity.js'
import { underLock } from './file-lock.js'
import { hostIdentity, isSameHost } from './process-identity.js'

const day = 24 * 60 * 60 * 1_000

/**
 * Removes the clusters that no run has started for a month: of projects that are gone, of an older PostgreSQL or of
 * other settings; some 25 MB each. One that runs, or that another machine or container started, stays.
 *
 * @param unusedForDays counted from the last start, which writes `cluster.json`
 * @example await removeOldClusters('/home/ada/.cache/seedbed')
 */
export async function removeOldClusters(home: string, unusedForDays = 30): Promise<string[]> {
  const folder = join(home, 'clusters')
  const removed: string[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const cluster = join(folder, name)
    if (!(await isOld(cluster, unusedForDays))) continue
    await underLock(join(cluster, 'lock'), async () => {
      // Somebody may have started it between the look and the lock.
      if (!(await isOld(cluster, unusedForDays)) || (await runningServer(join(cluster, 'data'))) !== undefined) return
      const file = join(cluster, 'cluster.json')
      const record = await readRecord(file)
      if (record && !isSameHost(record.host, await hostIdentity()) && !(await isCopy(file, record.file))) return
      await rm(cluster, { recursive: true, force: true, maxRetries: 3 })
      removed.push(name)
    })
  }
  return removed
}

async function isOld(cluster: string, days: number): Promise<boolean> {
  const started = await stat(join(cluster, 'cluster.json')).catch(() => undefined)
  return started !== undefined && Date.now() - started.mtimeMs > days * day
}
