import { spawn } from 'node:child_process'
import { chmod, open, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'pg'
import { freeLockFiles, runningServer } from './data-folder.js'
import { makeSocketFolder, socketFile, urlOf, type Endpoint } from './endpoint.js'
import { serverErrors } from './errors.js'
import { exists, type ClusterFolders } from './home.js'
import { loadPg } from './load-pg.js'
import { isAlive } from './process-identity.js'
import { runProgram } from './run-program.js'
import { administrator, configurationFiles } from './settings.js'
import type { RunnableBinaries } from './binaries.js'
import type { ServerUser } from './server-user.js'

/** The session by which a run holds on to a server. `ref` and `unref` are missing in the types of `pg`. */
export type Lease = Client & { ref(): void; unref(): void }

/** Crash recovery of a large cluster can take a while. */
const answersWithin = 120_000

/**
 * Starts a server on a data folder on which none runs, and connects to it. The server is a session of its own, so that
 * the terminal's Ctrl-C does not reach it, and this process may end before it.
 *
 * @throws `SERVER_DID_NOT_START` with the end of its log
 */
export async function startPostmaster(options: {
  cluster: ClusterFolders
  endpoint: Endpoint
  password: string
  binaries: RunnableBinaries
  user: ServerUser
  meanwhile: () => void
}): Promise<Lease> {
  const { cluster, endpoint, password, binaries, user, meanwhile } = options
  const socket = socketFile(endpoint)
  if (socket) await makeSocketFolder(endpoint.host, user)
  await freeLockFiles(cluster.data, socket && `${socket}.lock`)
  const configurationFile = join(cluster.folder, 'postgresql.conf')
  const accessFile = join(cluster.folder, 'pg_hba.conf')
  const texts = configurationFiles(cluster, endpoint, accessFile)
  await writeReadable(configurationFile, texts.configuration)
  await writeReadable(accessFile, texts.access)
  // The last run's log may explain why this one has to start.
  await rename(cluster.log, `${cluster.log}.1`).catch(() => {})
  await using log = await open(cluster.log, 'a', 0o600)

  const child = spawn(binaries.postgres, ['-D', cluster.data, '-c', `config_file=${configurationFile}`], {
    ...user.runAs,
    cwd: '/',
    env: { ...binaries.env, LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
    windowsHide: true,
  })
  let ended: { error?: Error } | undefined
  child.once('error', error => (ended = { error }))
  child.once('exit', () => (ended ??= {}))
  child.unref()
  // The first client would load it a moment later anyhow: so it happens while the server starts.
  loadPg()
  meanwhile()
  for (const start = Date.now(); ;) {
    const answer = await tryToConnect(endpoint, password)
    if (typeof answer !== 'string') return answer
    const isOver = Date.now() - start > answersWithin
    // One that a killed run has just spawned can win: then ours ends, and that one is as good.
    if (isOver || (ended && (await runningServer(cluster.data)) === undefined)) {
      const text = await readFile(cluster.log, 'utf8').catch(() => '')
      const log = `${text}\n${ended?.error?.message ?? ''}`
      const details = { folder: cluster.folder, log: log.trim().split('\n').slice(-12).join('\n') }
      throw serverErrors.SERVER_DID_NOT_START(details, { cause: ended?.error })
    }
    await pause(3)
  }
}

/**
 * A session of the administrator, or why there is none: `refused` by a socket on which nobody listens, `absent` if there
 * is no socket, `busy` while the server starts or stops.
 *
 * @throws what the server says, if it is up and does not want us
 */
export async function tryToConnect(
  endpoint: Endpoint,
  password: string,
  database = 'postgres',
): Promise<Lease | 'refused' | 'absent' | 'busy'> {
  const socket = socketFile(endpoint)
  if (socket && !(await exists(socket))) return 'absent'
  const { Client } = loadPg()
  const client = new Client({
    connectionString: urlOf(endpoint, administrator, password, database),
    application_name: leaseName,
    // Said here because the environment's PGSSLMODE and PGOPTIONS would apply otherwise.
    ssl: false,
    // A server that was stopped with SIGSTOP accepts, and says nothing.
    connectionTimeoutMillis: 10_000,
    options: '-c search_path=pg_catalog',
  })
  // Without a listener, the server's end would be this process's end.
  client.on('error', () => {})
  try {
    await client.connect()
    return client as Lease
  } catch (error) {
    await client.end().catch(() => {})
    const { code, message } = error as Error & { code?: string }
    if (code === 'ENOENT') return 'absent'
    if (code === 'ECONNREFUSED') return 'refused'
    const isEnding = code === undefined && /terminated|timeout/.test(message)
    if (isEnding || ['57P01', '57P03', 'ECONNRESET', 'EPIPE', 'EAGAIN'].includes(code ?? '')) return 'busy'
    throw error
  }
}

/** By this name a server's users know of each other. */
const leaseName = `seedbed lease ${process.pid}`

/** Ends a server: without waiting for its sessions, but with a clean data folder if it does as it is told. */
export async function stopPostmaster(data: string, binaries: () => Promise<RunnableBinaries>): Promise<void> {
  const pid = await runningServer(data)
  if (pid === undefined) return
  if (process.platform === 'win32') {
    await runProgram((await binaries()).pgCtl, ['stop', '-D', data, '-m', 'fast', '-w'], {})
    return
  }
  // fast, immediate, and for one that hears neither (manual, section 18.5)
  for (const [signal, patience] of [
    ['SIGINT', 30_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
      throw error
    }
    for (const start = Date.now(); Date.now() - start < patience; await pause(2)) {
      if (!(await isAlive(pid))) return
    }
  }
}

/** Readable by the server's user, who is not root; there is no secret in it. */
async function writeReadable(file: string, text: string): Promise<void> {
  await writeFile(file, text)
  await chmod(file, 0o644)
}
