import { createHash, randomUUID } from 'node:crypto'
import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { underLock } from './file-lock.js'
import { readArchive, unpackArchive } from './prepared-archive.js'
import { serverErrors } from './errors.js'
import { exists, makePassableFolder, makePrivateFolder } from './home.js'
import { isDoubtfulSinceBoot } from './process-identity.js'
import { randomPassword } from './cluster-record.js'
import { runProgram } from './run-program.js'
import { initdbFlags } from './settings.js'
import type { InstalledBinaries, RunnableBinaries } from './binaries.js'
import type { ServerUser } from './server-user.js'

/** A data folder as initdb leaves it, never started, from which each project's is copied. */
export interface Prepared {
  data: string
  /** Of the administrator. */
  password: string
}

/**
 * Finds the prepared data folder of this version and user under `prepared/` of the home, or makes it: from the archive in
 * this package, which takes a third of initdb's time and which a uid without a name can use too, or with initdb on
 * platforms that have no archive. Made once, however many processes and projects ask at the same moment, and it appears
 * whole.
 *
 * @throws `SERVER_NO_ARCHIVE`, `ProgramFailure` of initdb
 */
export async function prepared(options: PreparedOptions): Promise<Prepared> {
  const { home, installed, user, progress } = options
  const flags = initdbFlags(installed.platform)
  const hash = createHash('sha256')
    .update(JSON.stringify([flags, user.uid]))
    .digest('hex')
    .slice(0, 12)
  const folder = join(home, 'prepared', `${installed.platform}-${installed.version}-${hash}`)
  await makePassableFolder(dirname(folder), user)
  const lock = `${folder}.lock`
  const found = await read(folder)
  if (found) {
    await removeLeftovers(folder)
    // Whoever was killed when all was done but giving back the lock has left it.
    if (await exists(lock)) await underLock(lock, async () => {})
    return found
  }
  return underLock(
    lock,
    async () => (await read(folder)) ?? (await make(folder, flags, options)),
    pid => progress(`waiting for pid ${pid}, which initialises a cluster`),
  )
}

interface PreparedOptions {
  home: string
  installed: InstalledBinaries
  binaries: RunnableBinaries
  user: ServerUser
  progress: (line: string) => void
  meanwhile: () => void
}

/**
 * Copies the prepared folder to `target`, which appears whole. `cp` does it in a tenth of initdb's time, and clones
 * blocks where the file system can.
 */
export async function copyPrepared(source: Prepared, target: string, user: ServerUser): Promise<void> {
  const temporary = `${target}.tmp-${randomUUID()}`
  try {
    if (process.platform === 'win32') {
      await cp(source.data, temporary, { recursive: true })
    } else {
      await makePrivateFolder(temporary, user)
      await runProgram('cp', [process.platform === 'darwin' ? '-cRp' : '-a', `${source.data}/.`, temporary], {})
    }
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw error
  }
}

async function read(folder: string): Promise<Prepared | undefined> {
  try {
    const file = join(folder, 'password')
    const password = await readFile(file, 'utf8')
    if (!(await isDoubtfulSinceBoot(file))) return { data: join(folder, 'data'), password }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return undefined
}

async function make(folder: string, flags: string[], options: PreparedOptions): Promise<Prepared> {
  const { installed, user, progress, meanwhile } = options
  await removeLeftovers(folder)
  const archive = await readArchive(installed, flags)
  if ('problem' in archive && !user.canInitialise) {
    throw serverErrors.SERVER_NO_ARCHIVE({ ...installed, problem: archive.problem })
  }
  progress(`initialising a PostgreSQL ${installed.version} cluster`)
  const temporary = `${folder}.tmp-${randomUUID()}`
  try {
    await makePassableFolder(temporary, user)
    const data = join(temporary, 'data')
    const making = 'problem' in archive ? initialise(data, options) : unpackArchive(archive, data, user)
    meanwhile()
    const password = await making
    await writeFile(join(temporary, 'password'), password, { mode: 0o600 })
    // One that a loss of power has made doubtful.
    await rm(folder, { recursive: true, force: true })
    await rename(temporary, folder)
    return { data: join(folder, 'data'), password }
  } catch (error) {
    await rm(temporary, { recursive: true, force: true, maxRetries: 5 })
    throw error
  }
}

/**
 * Runs initdb.
 *
 * @param data must not exist, and the folder that it is in must be ours alone
 * @returns the administrator's password
 */
export async function initialise(
  data: string,
  { installed, binaries, user }: Pick<PreparedOptions, 'installed' | 'binaries' | 'user'>,
): Promise<string> {
  const password = randomPassword()
  const passwordFolder = join(dirname(data), 'for-initdb')
  await makePrivateFolder(data, user)
  await makePrivateFolder(passwordFolder, user)
  const passwordFile = join(passwordFolder, 'password')
  // Within the folder nobody else can read it, and the server's user has to.
  await writeFile(passwordFile, password, { mode: 0o644 })
  await runProgram(
    binaries.initdb,
    [`--pgdata=${data}`, `--pwfile=${passwordFile}`, ...initdbFlags(installed.platform)],
    {
      user,
      env: binaries.env,
    },
  )
  await rm(passwordFolder, { recursive: true })
  return password
}

/**
 * Removes what a killed run left beside a folder that it was making. Its initdb or cp may still be writing for a moment:
 * what cannot go now goes the next time.
 *
 * @example await removeLeftovers('/srv/seedbed/clusters/shop-1f/data') // removes data.tmp-…
 */
export async function removeLeftovers(target: string): Promise<void> {
  const names = (await readdir(dirname(target))).filter(name => name.startsWith(`${basename(target)}.tmp-`))
  for (const name of names) {
    await rm(join(dirname(target), name), { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
  }
}
