import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { roomyFolder } from '@seedbed/postgres-for-tests'
import { Client, type QueryResultRow } from 'pg'
import type { SeedbedConfig } from '../../src/config/config.js'
import { runningServer } from '../../src/server/data-folder.js'
import { isAlive } from '../../src/server/process-identity.js'
import { openEmbedded } from '../../src/server/embedded.js'
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

/**
 * @param source a home that has been used: its prepared data folder is copied, which saves the test an initdb
 */
export async function testHome({
  name = 'seedbed-test-',
  source,
}: { name?: string; source?: TestHome } = {}): Promise<TestHome> {
  const folder = await mkdtemp(join(await roomyFolder(), name))
  await chmod(folder, 0o711)
  const [home, project] = [join(folder, 'home'), join(folder, 'project')]
  await mkdir(project)
  if (source) {
    await mkdir(home)
    await chmod(home, 0o711)
    await promisify(execFile)('cp', ['-a', join(source.home, 'prepared'), home])
  }
  return { folder, home, project, [Symbol.asyncDispose]: () => removeHome(folder, home) }
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

export async function isGone(pid: number): Promise<boolean> {
  return !(await isAlive(pid))
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

/** A home whose prepared data folder other tests copy. */
export async function usedHome(): Promise<TestHome> {
  const place = await testHome()
  await (
    await openEmbedded({ projectFolder: place.project, home: place.home, progress: () => {} })
  )[Symbol.asyncDispose]()
  return place
}

/** A run of its own process, from the compiled files: `tsc -b` has to come before. */
export function openInChild(options: {
  home?: string | undefined
  project: string
  user?: { uid: number; gid: number } | undefined
  env?: NodeJS.ProcessEnv
  config?: SeedbedConfig
  /** A program and its arguments that run the rest of the command line. */
  through?: string[]
  /** The compiled package. */
  dist?: string
  detached?: boolean
}): ChildRun {
  const dist = options.dist ?? fileURLToPath(new URL('../../dist', import.meta.url))
  const script = fileURLToPath(new URL('open-in-child.mjs', import.meta.url))
  const config = JSON.stringify(options.config ?? {})
  const command = [process.execPath, script, dist, options.project, options.home ?? '', config]
  const [program = '', ...args] = [...(options.through ?? []), ...command]
  const child = spawn(program, args, {
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
