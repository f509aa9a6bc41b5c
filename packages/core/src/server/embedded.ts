import { randomUUID } from 'node:crypto'
import { realpath, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { installedBinaries, runnableBinaries, type InstalledBinaries } from './binaries.js'
import { clusterParts, type ClusterParts } from './cluster-parts.js'
import { randomPassword, readRecord, writeRecord, type ClusterRecord } from './cluster-record.js'
import { isCopied, judgeCopy, removeUnlikeCopies, sealStopped } from './copied-cluster.js'
import { endOrphans, failedRecovery, judgeDataFolder, runningServer } from './data-folder.js'
import { freePort, loopbackEndpoint, socketEndpoint, urlOf, type Endpoint } from './endpoint.js'
import { serverErrors } from './errors.js'
import { explainFailure } from './explain-failure.js'
import { underLock } from './file-lock.js'
import {
  clusterFolders,
  exists,
  makePassableFolder,
  openPassableFolder,
  refuseHome,
  type ClusterFolders,
} from './home.js'
import { hasApplicationRole, importCollations, isAlone, makeApplicationRole, resetApplicationRole } from './lease.js'
import { removeOldClusters } from './old-clusters.js'
import { startPostmaster, stopPostmaster, tryToConnect, type Lease } from './postmaster.js'
import { copyPrepared, prepared, removeLeftovers } from './prepared.js'
import { hostIdentity, isSameHost } from './process-identity.js'
import { runProgram, type ProgramFailure } from './run-program.js'
import type { Server } from './server.js'
import { stopBehindThisProcess } from './stop-behind.js'
import { serverUser, type ServerUser } from './server-user.js'
import { administrator, applicationRole, initdbFlags, settings } from './settings.js'

/** Which cluster it is. */
export interface ClusterOptions {
  projectFolder: string
  home: string
  /** Where the server listens. @default 'loopback' on Windows, else 'socket' */
  listen?: 'socket' | 'loopback'
  /** Whether the cluster is to be archived: it is sealed then whenever its server stops. @default false */
  cached?: boolean
}

export interface EmbeddedOptions extends ClusterOptions {
  progress: (line: string) => void
  /** Called when there is nothing to do but to wait for PostgreSQL. */
  meanwhile?: () => void
}

interface Cluster extends ClusterFolders {
  project: string
  installed: InstalledBinaries
  user: ServerUser
  parts: () => ClusterParts
  listen: 'socket' | 'loopback'
  cached: boolean
  progress: (line: string) => void
  meanwhile: () => void
}

/**
 * A PostgreSQL from npm, started by us: one cluster for each project, server version and settings under the home, shared
 * by all runs at the same time. Whoever comes first starts it, the last one out stops it, and who is there is known from
 * the server itself: each run holds a session, which ends with its process however it dies.
 *
 * @throws errors of this room; see errors.ts
 * @example await using server = await openEmbedded({ projectFolder, home: seedbedHome(process.env), progress: console.log })
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Server> {
  try {
    const cluster = await clusterOf(options)
    return await underLock(
      cluster.lock,
      () => open(cluster, options),
      pid => options.progress(`waiting for pid ${pid}, which starts or stops the server`),
    )
  } catch (error) {
    throw await explainFailure(error, options.home)
  }
}

/**
 * Stops a server that a run has not given up, as soon as nobody uses it; what this run's workers have begun is waited for. Does nothing
 * where another run has it, which will stop it.
 */
export async function stopUnused(options: ClusterOptions): Promise<void> {
  if (!(await exists(options.home))) return
  const cluster = await clusterOf({ ...options, progress: () => {} })
  const found = await underLock(cluster.lock, async () => {
    const record = await readRecord(cluster.record)
    const lease = record && (await attach(cluster, record)).lease
    return lease && { record, lease }
  })
  if (!found) return
  await isAlone(found.lease, { patience: 60_000 })
  await giveUp(cluster, found.record, found.lease)
}

async function clusterOf(options: EmbeddedOptions): Promise<Cluster> {
  const { progress, meanwhile = () => {}, listen = process.platform === 'win32' ? 'loopback' : 'socket' } = options
  const [installed, user] = await Promise.all([installedBinaries(), serverUser()])
  const identity = { version: installed.version, platform: installed.platform, uid: user.uid, listen, settings }
  const project = await realpath(options.projectFolder)
  await makePassableFolder(options.home, user)
  // One spelling for all: a server is recognised by the path of its data folder.
  const home = await realpath(options.home)
  refuseHome(home)
  const folders = clusterFolders(home, project, { ...identity, flags: initdbFlags(installed.platform) })
  for (const folder of [join(home, 'clusters'), folders.folder]) await openPassableFolder(folder, user)
  const parts = () => clusterParts(installed, user)
  return { ...folders, project, installed, user, parts, listen, cached: options.cached ?? false, progress, meanwhile }
}

/** Under the cluster's lock. */
async function open(cluster: Cluster, options: ClusterOptions): Promise<Server> {
  const { version } = cluster.installed
  const known = await readRecord(cluster.record)
  const attached = known && (await attach(cluster, known))
  const { lease, record, origin } =
    attached?.lease && known
      ? { lease: attached.lease, record: known, origin: 'attached' as const }
      : await start(cluster, known, attached?.refused ?? false)
  const endpoint = endpointOf(cluster, record.port)
  try {
    if (cluster.cached && !record.cached) await writeRecord(cluster.record, { ...record, cached: true })
    if (!(await hasApplicationRole(lease))) await furnish(endpoint, lease, record)
    // Nobody else is there yet.
    else if (origin === 'started') await resetApplicationRole(lease)
  } catch (error) {
    await lease.end()
    throw error
  }
  // A run that ends without giving the server up shall end all the same.
  lease.unref()
  const { projectFolder, home, listen, cached } = options
  const forget = stopBehindThisProcess({ projectFolder, home, ...(listen && { listen }), ...(cached && { cached }) })
  let given: Promise<void> | undefined
  return {
    kind: 'embedded',
    description: `embedded PostgreSQL ${version}`,
    version,
    origin,
    folder: cluster.folder,
    adminUrl: urlOf(endpoint, administrator, record.administratorPassword, 'postgres'),
    applicationUrl: urlOf(endpoint, applicationRole, record.applicationPassword, 'postgres'),
    passwordIn: cluster.listen === 'socket' ? null : `applicationPassword in ${cluster.record}`,
    copy: 'file_copy',
    [Symbol.asyncDispose]: () => (given ??= giveUp(cluster, record, lease).finally(forget)),
  }
}

/** A session on a server that runs already; none if it does not run, after waiting for one that starts or stops. */
async function attach(cluster: Cluster, record: ClusterRecord): Promise<{ lease?: Lease; refused: boolean }> {
  const isHere = isSameHost(record.host, await hostIdentity())
  const endpoint = endpointOf(cluster, record.port)
  // A port, unlike a socket in our folder, can have become somebody else's.
  if (cluster.listen === 'loopback' && !(await runningServer(cluster.data))) return { refused: false }
  for (const begin = Date.now(); ; await pause(5)) {
    const answer = await tryToConnect(endpoint, record.administratorPassword).catch((cause: Error) => {
      throw serverErrors.SERVER_DOES_NOT_ANSWER({ folder: cluster.folder, problem: cause.message }, { cause })
    })
    const isUp = typeof answer !== 'string'
    if (!isHere && (isUp || answer === 'busy')) {
      if (isUp) await answer.end()
      throw serverErrors.SERVER_DATA_IN_USE_ELSEWHERE({ folder: cluster.folder, home: cluster.home })
    }
    if (isUp) return { lease: answer, refused: false }
    if ((await runningServer(cluster.data)) === undefined) return { refused: answer === 'refused' }
    if (Date.now() - begin > 60_000) {
      throw serverErrors.SERVER_DOES_NOT_ANSWER({ folder: cluster.folder, problem: 'it has not answered for a minute' })
    }
  }
}

interface Started {
  lease: Lease
  record: ClusterRecord
  origin: 'started' | 'initialised'
}

async function start(cluster: Cluster, known: ClusterRecord | undefined, refused: boolean): Promise<Started> {
  const { installed, user, progress, meanwhile, home, data } = cluster
  const { version } = installed
  const [binaries, here] = await Promise.all([
    runnableBinaries(installed, home, user),
    hostIdentity(),
    user.runAs.uid === undefined ? undefined : assertReachable(cluster),
  ])
  // Without its record, nobody can attach to a server or tell whose it is.
  if (!known) await stopPostmaster(data, async () => binaries)

  await endOrphans(cluster)
  await removeLeftovers(data)
  const hasData = await exists(data)
  const copied = known !== undefined && (await isCopied(cluster, known))
  const verdict = copied
    ? await judgeCopy(cluster, known)
    : hasData
      ? await judgeDataFolder(cluster, known, version, here, refused)
      : undefined
  if (verdict?.use === false) await discard(cluster, verdict.because, copied)
  const port = cluster.listen === 'loopback' ? { port: await freePort() } : {}
  let record: ClusterRecord
  if (known && verdict?.use) {
    // Without its seal, which does not say any more what is there.
    const { seal: _, ...rest } = known
    record = await writeRecord(cluster.record, { ...rest, host: here, ...port })
  } else {
    await removeUnlikeCopies(cluster)
    const source = await prepared({ home, installed, binaries, user, progress, meanwhile })
    const passwords = { administratorPassword: source.password, applicationPassword: randomPassword() }
    const { place, cached } = cluster
    const fresh = {
      format: 2,
      projectFolder: cluster.project,
      place,
      version,
      host: here,
      ...port,
      ...passwords,
      cached,
    } as const
    // Before the data: a data folder whose passwords nobody knows would be of no use.
    record = await writeRecord(cluster.record, fresh)
    await copyPrepared(source, data, user)
  }
  const endpoint = endpointOf(cluster, record.port)
  const password = record.administratorPassword
  try {
    const lease = await startPostmaster({ cluster, endpoint, password, binaries, user, meanwhile })
    return { lease, record, origin: verdict?.use ? 'started' : 'initialised' }
  } catch (error) {
    const explained = await explainFailure(error, home)
    const because = verdict?.use && (copied ? noStart : verdict.recovers && failedRecovery(explained))
    if (!because) throw explained
    await discard(cluster, because, copied)
    return start(cluster, await readRecord(cluster.record), false)
  }
}

const noStart = 'PostgreSQL does not start on it'

/** What a new cluster lacks. The role comes last, for by it one knows that all is there. */
async function furnish(endpoint: Endpoint, lease: Lease, passwords: ClusterRecord): Promise<void> {
  const template1 = await tryToConnect(endpoint, passwords.administratorPassword, 'template1')
  if (typeof template1 === 'string') throw new Error(`the new server answers and then is ${template1}`)
  try {
    await importCollations(template1)
  } finally {
    await template1.end()
  }
  await makeApplicationRole(lease, passwords.applicationPassword)
}

/** Ends this run's session and, if no other session is left, the server. */
async function giveUp(cluster: Cluster, record: ClusterRecord, lease: Lease): Promise<void> {
  lease.ref()
  // Somebody has deleted the home: the server ends by itself when it misses its pid file, within a minute.
  if (!(await exists(cluster.folder))) return lease.end()
  await underLock(cluster.lock, async () => {
    const isLast = await isAlone(lease, { again: async () => (await attach(cluster, record)).lease })
    await lease.end().catch(() => {})
    if (!isLast) return
    await stopPostmaster(cluster.data, () => runnableBinaries(cluster.installed, cluster.home, cluster.user))
    await sealStopped(cluster)
    const { removeWhenStopped } = endpointOf(cluster, record.port)
    if (removeWhenStopped) await rmdir(removeWhenStopped).catch(() => {})
  })
  // Housekeeping must not fail a run that is over.
  await removeOldClusters(cluster.home).catch(() => {})
}

/** Renamed first: a run killed meanwhile leaves something that is swept, not half a data folder. */
async function discard({ folder, data, progress }: Cluster, because: string, copied: boolean): Promise<void> {
  progress(copied ? `the cached cluster ${folder} is made anew: ${because}` : `discarding ${data}: ${because}`)
  if (!(await exists(data))) return
  const doomed = `${data}.tmp-${randomUUID()}`
  await rename(data, doomed)
  await rm(doomed, { recursive: true, force: true })
}

function endpointOf(cluster: Cluster, port: number | undefined): Endpoint {
  return port === undefined ? socketEndpoint(cluster, cluster.user) : loopbackEndpoint(port)
}

/** @throws `SERVER_CANNOT_BECOME_USER`, `SERVER_UNREACHABLE_FOR_USER` */
export async function assertReachable({ folder, user }: { folder: string; user: ServerUser }): Promise<void> {
  await runProgram('test', ['-x', folder], { user }).catch((cause: ProgramFailure) => {
    if (typeof cause.code === 'string')
      throw serverErrors.SERVER_CANNOT_BECOME_USER({ user: user.name, problem: cause.code }, { cause })
    throw serverErrors.SERVER_UNREACHABLE_FOR_USER({ folder, user: user.name }, { cause })
  })
}
