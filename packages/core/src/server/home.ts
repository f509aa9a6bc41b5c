import { createHash } from 'node:crypto'
import { accessSync, chmodSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { access, chmod, chown, mkdir } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { basename, join, relative, resolve } from 'node:path'
import { serverErrors } from './errors.js'
import type { ServerUser } from './server-user.js'

/** The folders of one project's server under SEEDBED_HOME. */
export interface ClusterFolders {
  home: string
  /** Unique on the machine: another home's cluster of the same project has another. */
  id: string
  /** Where the project is, from the home. */
  place: string
  /** `clusters/<project>-<hash>` */
  folder: string
  lock: string
  /** What is known about the cluster: `cluster-record.ts`. */
  record: string
  data: string
  log: string
}

/**
 * The folder that holds the servers and what makes them start quickly: SEEDBED_HOME, else `seedbed` in the user's cache
 * folder (for root `/var/cache/seedbed`, which the user that PostgreSQL runs as can reach), else a private folder under
 * the system's one for temporary files. Everything in it can be deleted while no run is on. The folder exists
 * afterwards, unless SEEDBED_HOME names it.
 *
 * @throws `SERVER_FOLDER_NOT_PRIVATE` if the folder for temporary files would be shared with somebody else
 * @example seedbedHome({ SEEDBED_HOME: '/srv/seedbed' }) // '/srv/seedbed'
 */
export function seedbedHome(env: NodeJS.ProcessEnv): string {
  if (env.SEEDBED_HOME) return resolve(env.SEEDBED_HOME)
  const home = cacheFolder(env)
  return home && canWrite(home) ? home : privateTemporaryFolder()
}

/** @throws `SERVER_HOME_UNUSABLE` */
export function refuseHome(home: string): void {
  if (process.platform === 'win32' || !/[:;]/.test(home)) return
  const problem = 'a colon or semicolon cannot stand in a library path'
  throw serverErrors.SERVER_HOME_UNUSABLE({ folder: home, path: home, problem })
}

/**
 * A cluster's folders. Whatever must not be shared is part of the hash: the project, the server's version and settings,
 * and the user that the server runs as. The project is known by its way from the home: where the home lies inside it, a CI's
 * cache is found again on a machine that has the same checkout elsewhere.
 */
export function clusterFolders(home: string, projectFolder: string, identity: unknown): ClusterFolders {
  const place = relative(home, projectFolder)
  // Short, since a socket's path is: see endpoint.ts.
  const readable = basename(place)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, 20)
    .replace(/-$/, '')
  const folder = join(home, 'clusters', `${readable || 'project'}-${hash(place, identity)}`)
  return {
    home,
    id: hash(folder),
    place,
    folder,
    lock: join(folder, 'lock'),
    record: join(folder, 'cluster.json'),
    data: join(folder, 'data'),
    log: join(folder, 'log'),
  }
}

function hash(...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
}

/**
 * Makes a folder that the server's user can pass through. Its rights do not depend on the umask: with 077 root's
 * stand-in would be shut out.
 */
export async function makePassableFolder(path: string, user: ServerUser): Promise<void> {
  const created = await mkdir(path, { recursive: true })
  if (created !== undefined) await chmod(path, user.runAs.uid === undefined ? 0o700 : 0o711)
}

/** The same of a folder that is ours alone, and which an archive of another user may have brought here. */
export async function openPassableFolder(path: string, user: ServerUser): Promise<void> {
  await makePassableFolder(path, user)
  if (user.runAs.uid !== undefined) await chmod(path, 0o711)
}

/** Makes a 0700 folder that belongs to the server's user; it must not exist. */
export async function makePrivateFolder(path: string, user: ServerUser): Promise<void> {
  await mkdir(path, { mode: 0o700 })
  const { uid, gid } = user.runAs
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function cacheFolder(env: NodeJS.ProcessEnv): string | undefined {
  if (process.geteuid?.() === 0) return '/var/cache/seedbed'
  if (process.platform === 'win32') return env.LOCALAPPDATA && join(env.LOCALAPPDATA, 'seedbed', 'Cache')
  if (process.platform === 'darwin') return env.HOME && join(env.HOME, 'Library', 'Caches', 'seedbed')
  if (env.XDG_CACHE_HOME?.startsWith('/')) return join(env.XDG_CACHE_HOME, 'seedbed')
  const userHome = env.HOME || homeFromPasswd()
  return userHome ? join(userHome, '.cache', 'seedbed') : undefined
}

function homeFromPasswd(): string | undefined {
  try {
    return homedir()
  } catch {
    return undefined
  }
}

function canWrite(folder: string): boolean {
  try {
    if (mkdirSync(folder, { recursive: true }) !== undefined)
      chmodSync(folder, process.geteuid?.() === 0 ? 0o711 : 0o700)
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** /tmp is everybody's: a folder that somebody else has put there, or can write to, is not taken. */
function privateTemporaryFolder(): string {
  const uid = process.geteuid?.()
  const folder = join(tmpdir(), uid === undefined ? 'seedbed' : `seedbed-${uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const stat = lstatSync(folder)
  if (!stat.isDirectory() || (uid !== undefined && (stat.uid !== uid || (stat.mode & 0o022) !== 0))) {
    throw serverErrors.SERVER_FOLDER_NOT_PRIVATE({ folder })
  }
  if (uid === 0) chmodSync(folder, 0o711)
  return folder
}
