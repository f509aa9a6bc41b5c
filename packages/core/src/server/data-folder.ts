import { open, readdir, readFile, readlink, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { execFile } from 'node:child_process'
import { serverErrors } from './errors.js'
import {
  isAlive,
  isDoubtfulSinceBoot,
  isSameHost,
  isSameMachineRebooted,
  type HostIdentity,
} from './process-identity.js'
import type { ClusterFolders } from './home.js'
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
): Promise<{ use: true } | { use: false; because: string }> {
  const control = await readControl(cluster.data)
  if (!control) return { use: false, because: 'it is incomplete' }
  const isProvenDead = refused && record?.host.boot === here.boot
  if (record && !control.cleanlyStopped && !isSameHost(record.host, here) && !isProvenDead) {
    if (!isSameMachineRebooted(record.host, here)) {
      throw serverErrors.SERVER_DATA_IN_USE_ELSEWHERE({ folder: cluster.folder, home: cluster.home })
    }
    return { use: false, because: 'the machine was restarted while its server ran, and durability is off' }
  }
  if (!record) return { use: false, because: 'its cluster.json is missing' }
  if (control.major !== version.split('.')[0] || record.version !== version) {
    return { use: false, because: `it belongs to PostgreSQL ${control.major}` }
  }
  if (await isDoubtfulSinceBoot(join(cluster.data, 'global', 'pg_control'))) {
    return { use: false, because: 'it was written just before the machine restarted, and durability is off' }
  }
  return { use: true }
}

/**
 * The pid of the server that runs on a data folder in this pid namespace, or undefined. A pid file whose pid has gone to
 * another process does not count.
 */
export async function runningServer(data: string): Promise<number | undefined> {
  const pid = await pidOf(data)
  return pid !== undefined && (await isAlive(pid)) && (await isServerOn(data, pid)) ? pid : undefined
}

/**
 * Makes a dead server's data folder startable: ends backends that have outlived their postmaster, and takes the old pid
 * out of `postmaster.pid`, which the next server would otherwise refuse if any process of its user has that pid now.
 * The file itself stays, since it names the shared memory that must be free: the server takes its parent's pid, which is
 * ours, for stale (PostgreSQL, `CreateLockFile` in miscinit.c).
 */
export async function clearDeadServer(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return
  await endOrphans(data)
  await writeFile(file, text.replace(/^.*/, String(process.pid)))
}

async function pidOf(data: string): Promise<number | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number(text.split('\n')[0])
  return Number.isInteger(pid) && pid > 1 ? pid : undefined
}

/** A server and its backends work in their data folder; elsewhere than on Linux, its command line names it. */
async function isServerOn(data: string, pid: number): Promise<boolean> {
  if (process.platform === 'linux') {
    const [place, wanted] = await Promise.all([readlink(`/proc/${pid}/cwd`).catch(() => ''), realpath(data)])
    return place === wanted && (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).startsWith('postgres')
  }
  if (process.platform === 'win32') return true
  const { stdout } = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }))
  return stdout.includes(data)
}

/** An idle backend notices its postmaster's death by itself; one in the midst of a query does not. */
async function endOrphans(data: string): Promise<void> {
  if (process.platform !== 'linux') return
  for (;;) {
    const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
    const orphans = []
    for (const pid of pids) if ((await isServerOn(data, pid)) && (await isAlive(pid))) orphans.push(pid)
    if (orphans.length === 0) return
    for (const pid of orphans) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
    await pause(5)
  }
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
