import { createHash } from 'node:crypto'
import { chownSync, copyFileSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'
import type { InstalledBinaries } from './binaries.js'
import { makePrivateFolder } from './home.js'
import { ownFolder } from './own-package.js'
import type { ServerUser } from './server-user.js'

/** What `<platform>.json` beside an archive says of it; written by scripts/make-prepared-archive.mjs. */
export interface ArchiveDescription {
  version: string
  flags: string[]
  /** Of `<platform>.tar.br`. */
  sha256: string
  /** The administrator's. No secret: whoever reaches the socket needs none, and these clusters listen nowhere else. */
  password: string
  /** Folders that are as `base/1`, but for the files which the archive has of them: `['base/4', 'base/5']`. */
  copies: string[]
}

/** The archive for this platform, checked. */
export interface PreparedArchive extends Pick<ArchiveDescription, 'password' | 'copies'> {
  /** The tar file, compressed. */
  content: Buffer
}

/**
 * Reads the finished data folder that this package brings along, if it is what initdb of the installed version would
 * make here; or says what is wrong with it.
 *
 * @example await readArchive(await installedBinaries(), initdbFlags('linux-x64')) // { content: …, password: '…' }
 */
export async function readArchive(
  { platform, version }: Pick<InstalledBinaries, 'platform' | 'version'>,
  flags: string[],
): Promise<PreparedArchive | { problem: string }> {
  const folder = join(ownFolder(), 'prepared')
  const text = await readFile(join(folder, `${platform}.json`), 'utf8').catch(() => undefined)
  if (text === undefined) return { problem: 'there is none' }
  const description = JSON.parse(text) as ArchiveDescription
  if (description.version !== version) return { problem: `it is of PostgreSQL ${description.version}` }
  if (JSON.stringify(description.flags) !== JSON.stringify(flags)) return { problem: 'it was made with other settings' }
  const file = join(folder, `${platform}.tar.br`)
  const content = await readFile(file).catch(() => undefined)
  if (!content || createHash('sha256').update(content).digest('hex') !== description.sha256) {
    return { problem: `${file} is damaged` }
  }
  return { content, password: description.password, copies: description.copies }
}

/**
 * Unpacks an archive into a new folder `data` of the server's user.
 *
 * @returns the administrator's password
 */
export async function unpackArchive(archive: PreparedArchive, data: string, user: ServerUser): Promise<string> {
  const [{ x: extract }, tar] = await Promise.all([import('tar'), promisify(brotliDecompress)(archive.content)])
  await makePrivateFolder(data, user)
  // A thousand small files: one after the other takes a quarter of the time that tar's streams take.
  extract({ cwd: data, sync: true, ...user.runAs }).end(tar)
  for (const folder of archive.copies) copyMissing(join(data, 'base', '1'), join(data, folder), user)
  return archive.password
}

function copyMissing(from: string, to: string, { runAs: { uid, gid } }: ServerUser): void {
  const present = new Set(readdirSync(to))
  for (const name of readdirSync(from)) {
    if (present.has(name)) continue
    copyFileSync(join(from, name), join(to, name))
    if (uid !== undefined && gid !== undefined) chownSync(join(to, name), uid, gid)
  }
}
