import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client, type QueryResultRow } from 'pg'
import { runningServer } from '../../src/server/data-folder.js'
import type { Server } from '../../src/server/server.js'

export const isRoot = process.geteuid?.() === 0

/** `test.skipIf` says nothing: the reason stands in the test's name. */
export const onlyRoot = isRoot ? '' : ' (skipped: only root can become another user)'

/** A SEEDBED_HOME of a test's own, and a project; disposing ends the servers under it. */
export interface TestHome extends AsyncDisposable {
  /** Holds the two others. */
  folder: string
  home: string
  project: string
}

export async function testHome(name = 'seedbed-test-'): Promise<TestHome> {
  const folder = await mkdtemp(join(await roomyFolder(), name))
  await chmod(folder, 0o711)
  const [home, project] = [join(folder, 'home'), join(folder, 'project')]
  await mkdir(project)
  return { folder, home, project, [Symbol.asyncDispose]: () => removeHome(folder, home) }
}

/** tmpfs where there is plenty of it: in a container /dev/shm can have 64 MB. */
async function roomyFolder(): Promise<string> {
  const stat = await statfs('/dev/shm').catch(() => undefined)
  return stat && stat.bavail * stat.bsize > 2e9 ? '/dev/shm' : tmpdir()
}

export async function removeHome(folder: string, home: string): Promise<void> {
  for (const pid of await serversUnder(home)) {
    process.kill(pid, 'SIGQUIT')
    await until(async () => (await isGone(pid)) || undefined)
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
}

/** The pids of the servers that run on clusters of a home. */
export async function serversUnder(home: string): Promise<number[]> {
  const clusters = await readdir(join(home, 'clusters')).catch(() => [])
  const pids = await Promise.all(
    clusters.map(name => runningServer(join(home, 'clusters', name, 'data')).catch(() => {})),
  )
  return pids.filter(pid => pid !== undefined)
}

/** The folder of the home's one cluster. */
export async function onlyCluster(home: string): Promise<string> {
  const [name, ...others] = await readdir(join(home, 'clusters'))
  if (name === undefined || others.length > 0) throw new Error(`not one cluster, but ${[name, ...others].join(', ')}`)
  return join(home, 'clusters', name)
}

/** Looks again and again until there is a result. */
export async function until<Result>(look: () => Promise<Result | undefined>, within = 30_000): Promise<Result> {
  for (const start = Date.now(); Date.now() - start < within; await pause(1)) {
    const result = await look()
    if (result !== undefined) return result
  }
  throw new Error('waited in vain')
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

export async function isGone(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return true
  }
  return !(await import('../../src/server/process-identity.js').then(room => room.isAlive(pid)))
}

export async function query<Row extends QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(sql, values)).rows
  } finally {
    await client.end()
  }
}

export type Opened = Pick<Server, 'origin' | 'adminUrl' | 'applicationUrl' | 'version' | 'description'>

export interface ChildRun {
  process: ChildProcess
  pid: number
  progress: string[]
  /** Rejects with the error's text if it ends before. */
  opened: Promise<Opened>
  /** Disposes the server and ends. */
  close(): Promise<void>
  /** Ends at once, with whatever it holds. */
  kill(): Promise<void>
}

/** A run of its own process, from the compiled files: `tsc -b` has to come before. */
export function openInChild(options: {
  home?: string | undefined
  project: string
  user?: { uid: number; gid: number } | undefined
  env?: NodeJS.ProcessEnv
  /** The compiled package. */
  dist?: string
  detached?: boolean
}): ChildRun {
  const dist = options.dist ?? fileURLToPath(new URL('../../dist', import.meta.url))
  const script = fileURLToPath(new URL('open-in-child.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, dist, options.project, options.home ?? ''], {
    ...options.user,
    cwd: '/',
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: options.detached ?? false,
  })
  const progress: string[] = []
  const opened = new Promise<Opened>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', line => {
      const message = JSON.parse(line) as { progress?: string; opened?: Opened; failed?: string }
      if (message.progress !== undefined) progress.push(message.progress)
      if (message.opened) resolve(message.opened)
      if (message.failed !== undefined) reject(new Error(message.failed))
    })
    child.once('exit', (code, signal) => reject(new Error(`ended with ${code ?? signal}`)))
  })
  // Whoever kills it does not ask.
  opened.catch(() => {})
  const ended = once(child, 'exit')
  child.stdin!.on('error', () => {})
  return {
    process: child,
    pid: child.pid!,
    progress,
    opened,
    async close() {
      child.stdin!.write('close\n')
      const [code] = await ended
      if (code !== 0) throw new Error(`closing ended with ${code}`)
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** An ordinary user with a passwd entry, for root; whoever else runs the tests is one. */
export function ordinaryUser(): { uid: number; gid: number } | undefined {
  if (!isRoot) return undefined
  return { uid: 65534, gid: 65534 }
}

export function nameOfThisUser(): string {
  return userInfo().username
}
