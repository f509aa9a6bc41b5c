import { open, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SeedbedError } from '@seedbed/environments/errors'
import { serverErrors } from './errors.js'
import {
  isAlive,
  isDoubtfulSinceBoot,
  isSameHost,
  isSameMachineRebooted,
  type HostIdentity,
} from './process-identity.js'
import { exists, type ClusterFolders } from './home.js'
import { runProgram } from './run-program.js'
import { clusterName } from './settings.js'
import type { ClusterRecord } from './cluster-record.js'

/**
 * What to do with a data folder on which no server runs here: start it, or discard it and copy a fresh one, with the
 * reason. Everything in it can be built again, so that doubt means discard, unless somebody may be using it.
 *
 * @throws `SERVER_DATA_IN_USE_ELSEWHERE`
 */
export async function judgeDataFolder(
  cluster: ClusterFolders,
  record: ClusterRecord | undefined,
  version: string,
  here: HostIdentity,
  /** Its socket has refused a connection: on the same kernel that proves its server dead. */
  refused: boolean,
): Promise<{ use: true; recovers: boolean } | { use: false; because: string }> {
  const control = await readControl(cluster.data)
  if (!control) return { use: false, because: 'it is incomplete' }
  const isProvenDead = refused && record?.host.boot === here.boot
  if (record && !control.cleanlyStopped && !isSameHost(record.host, here) && !isProvenDead) {
    if (!isSameMachineRebooted(record.host, here)) {
      throw serverErrors.SERVER_DATA_IN_USE_ELSEWHERE({ folder: cluster.folder, home: cluster.home })
    }
    return { use: false, because: 'the machine was restarted while its server ran, and durability is off' }
  }
  if (!record) return { use: false, because: 'its cluster.json is missing, damaged or of another version of Seedbed' }
  if (control.major !== version.split('.')[0] || record.version !== version) {
    return { use: false, because: `it belongs to PostgreSQL ${control.major}` }
  }
  if (await isDoubtfulSinceBoot(join(cluster.data, 'global', 'pg_control'))) {
    return { use: false, because: 'it was written just before the machine restarted, and durability is off' }
  }
  return { use: true, recovers: !control.cleanlyStopped }
}

/**
 * Why PostgreSQL gave up recovering a data folder whose server had been killed, from SERVER_DID_NOT_START with its log;
 * undefined if that tells of something else. It is known to fail where a transaction that had made an unlogged table was
 * rolled back just before: the table's empty file stays until the next checkpoint (`mdunlinkfork` in md.c), and is in the way
 * when the table is made again.
 */
export function failedRecovery(error: unknown): string | undefined {
  if (!(error instanceof SeedbedError && error.code === 'SERVER_DID_NOT_START')) return undefined
  const log = error.message
  const [, pid] = /startup process \(PID (\d+)\) (?:exited|was terminated)/.exec(log) ?? []
  if (pid === undefined) return undefined
  const [complaint] = new RegExp(`(?<=\\[${pid}\\] .*)(?:FATAL|PANIC): .*`).exec(log) ?? ['its startup process crashed']
  return `PostgreSQL cannot recover it: ${complaint}`
}

/**
 * The pid of the server that runs on a data folder in this pid namespace, or undefined. A pid file whose pid has gone to
 * another process does not count.
 */
export async function runningServer(data: string): Promise<number | undefined> {
  const pid = await livePidIn(join(data, 'postmaster.pid'))
  if (pid === undefined) return undefined
  const command = await commandOf(pid)
  // One that nobody shows us is taken for the server: to start a second would be worse than to wait for a stranger.
  return command === undefined || command.includes(` -D ${data} `) ? pid : undefined
}

/**
 * Takes a pid that another process has now out of lock files that a dead server left, since the next one would refuse
 * to start because of it. A file whose pid is dead is left to the server: it may be of one that a killed run has just
 * spawned. The files themselves stay, since `postmaster.pid` names the shared memory that must be free: a server takes
 * its parent's pid, which is ours, for stale (PostgreSQL, `CreateLockFile` in miscinit.c).
 */
export async function freeLockFiles(data: string, socketLock: string | undefined): Promise<void> {
  if ((await runningServer(data)) !== undefined) return
  for (const file of [join(data, 'postmaster.pid'), ...(socketLock === undefined ? [] : [socketLock])]) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (isTaken(Number.parseInt(text, 10))) await writeFile(file, text.replace(/^.*/, String(process.pid)))
  }
}

/**
 * Ends what is left of earlier servers and would harm the next one:
 * - backends that have outlived their postmaster. An idle one notices its death by itself; one in the midst of a query
 *   does not, and would keep the next server from starting.
 * - a server whose data folder somebody has deleted. It notices within a minute, ends by itself, and would take the next
 *   one's socket with it.
 */
export async function endOrphans(cluster: ClusterFolders): Promise<void> {
  if (process.platform === 'win32') return
  const isDeleted = !(await exists(cluster.data))
  const isDead = (await exists(join(cluster.data, 'postmaster.pid'))) && !(await runningServer(cluster.data))
  if (!isDeleted && !isDead) return
  const backend = `postgres: ${clusterName(cluster)}: `
  for (;;) {
    const all = await Promise.all((await allPids()).map(async pid => ({ pid, command: await commandOf(pid) })))
    const backends = all.filter(({ command }) => command?.startsWith(backend))
    const servers = all.filter(({ command }) => command?.includes(` -D ${cluster.data} `))
    const orphans = isDeleted ? await workingNowhere([...servers, ...backends]) : backends
    if (orphans.length === 0) return
    for (const { pid } of orphans) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
    await pause(5)
  }
}

/** Those whose working folder was deleted, as far as Linux tells: elsewhere, another container may have one of its name. */
async function workingNowhere<Process extends { pid: number }>(processes: Process[]): Promise<Process[]> {
  const places = await Promise.all(processes.map(({ pid }) => readlink(`/proc/${pid}/cwd`).catch(() => '')))
  return processes.filter((_, index) => places[index]!.endsWith(' (deleted)'))
}

/** As the server asks: a zombie, which in a container without an init may never be reaped, has its pid still. */
function isTaken(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The first line of a lock file of PostgreSQL's, if a process with that pid lives. */
async function livePidIn(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const pid = Number(text.split('\n')[0])
  return Number.isInteger(pid) && pid > 1 && (await isAlive(pid)) ? pid : undefined
}

/**
 * The command line of a process: a server's names its data folder, a backend's is a title with the cluster's name. Not
 * its working folder, which in a container not even root may see, for want of CAP_SYS_PTRACE. Empty for a zombie.
 */
async function commandOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined)
    return line?.replaceAll('\0', ' ')
  }
  if (process.platform === 'win32') return undefined
  return runProgram('ps', ['-ww', '-o', 'command=', '-p', String(pid)], {}).catch(() => undefined)
}

async function allPids(): Promise<number[]> {
  const names =
    process.platform === 'linux' ? await readdir('/proc') : (await runProgram('ps', ['-axo', 'pid='], {})).split(/\s+/)
  return names.filter(name => /^\d+$/.test(name)).map(Number)
}

/** Whether a server has shut down, so that nothing has to be recovered. */
export async function isCleanlyStopped(data: string): Promise<boolean> {
  return (await readControl(data))?.cleanlyStopped ?? false
}

/** `DBState` in `ControlFileData` (catalog/pg_control.h): after an identifier of 8 bytes and two versions of 4. */
async function readControl(data: string): Promise<{ major: string; cleanlyStopped: boolean } | undefined> {
  try {
    const major = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
    await using file = await open(join(data, 'global', 'pg_control'))
    const { buffer, bytesRead } = await file.read(Buffer.alloc(20), 0, 20, 0)
    const shutDown = 1
    return bytesRead === 20 ? { major, cleanlyStopped: buffer.readInt32LE(16) === shutDown } : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
