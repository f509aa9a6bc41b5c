import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { difference, type ClusterParts } from './cluster-parts.js'
import { readRecord, writeRecord, type ClusterRecord } from './cluster-record.js'
import { isCleanlyStopped } from './data-folder.js'
import { isCopy } from './file-identity.js'
import { underLock } from './file-lock.js'
import type { ClusterFolders } from './home.js'
import { checkCopy, sealOf, type Seal } from './seal.js'
import type { ServerUser } from './server-user.js'

interface Copied extends ClusterFolders {
  parts: () => ClusterParts
  user: ServerUser
  progress: (line: string) => void
}

/** Whether a cluster is not the one that its record was written for, but came here by way of an archive, as a CI's cache is. */
export async function isCopied(cluster: ClusterFolders, record: ClusterRecord): Promise<boolean> {
  return isCopy(cluster.record, record.file)
}

/**
 * Seals a cluster whose server has just stopped, if `seedbed prepare` has asked for it, so that a copy of it can be checked.
 * Under the cluster's lock; the next start takes the seal away.
 */
export async function sealStopped(cluster: Pick<Copied, 'record' | 'data' | 'log' | 'parts'>): Promise<void> {
  const record = await readRecord(cluster.record)
  if (!record?.cached || !(await isCleanlyStopped(cluster.data))) return
  // An archive is smaller without.
  for (const log of [cluster.log, `${cluster.log}.1`]) await rm(log, { force: true })
  await writeRecord(cluster.record, { ...record, seal: sealOf(cluster.data, cluster.parts()) })
}

/** Whether a copy can be used, or why not. What archives lose without harm is mended. */
export async function judgeCopy(
  cluster: Copied,
  { seal }: Pick<ClusterRecord, 'seal'>,
): Promise<{ use: true; recovers: false } | { use: false; because: string }> {
  if (!seal) return { use: false, because: 'it was copied while its server ran, or without seedbed prepare' }
  const checked = tryToCheck(cluster, seal)
  if ('problem' in checked) return { use: false, because: checked.problem }
  if (checked.mended > 0) {
    const what = `${checked.mended} files and folders were empty and left out, or had lost their owner or rights`
    cluster.progress(`mended the cached cluster ${cluster.folder}: ${what}`)
  }
  return { use: true, recovers: false }
}

/** A file where a folder was, or one that cannot be read, is as bad as one that differs. */
function tryToCheck({ data, parts, user }: Copied, seal: Seal): ReturnType<typeof checkCopy> {
  try {
    return checkCopy(data, seal, parts(), user)
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

/** Removes copies of this project's cluster that stand beside it, since what they depend on is not as it is here. */
export async function removeUnlikeCopies({ home, folder, place, parts, progress }: Copied): Promise<void> {
  const clusters = join(home, 'clusters')
  for (const name of await readdir(clusters)) {
    const other = join(clusters, name)
    if (other === folder) continue
    const isUnlike = async () => {
      const file = join(other, 'cluster.json')
      const record = await readRecord(file).catch(() => undefined)
      return record?.place === place && (await isCopy(file, record.file)) ? record : undefined
    }
    if (!(await isUnlike())) continue
    await underLock(join(other, 'lock'), async () => {
      const record = await isUnlike()
      if (!record) return
      const because = (record.seal && difference(record.seal.parts, parts())) ?? 'it was made for another machine'
      progress(`the cached cluster ${other} is made anew: ${because}`)
      await rm(other, { recursive: true, force: true, maxRetries: 3 })
    })
  }
}
