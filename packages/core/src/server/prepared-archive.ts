import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createBrotliDecompress } from 'node:zlib'
import type { InstalledBinaries } from './binaries.js'
import { serverErrors } from './errors.js'
import { makePrivateFolder } from './home.js'
import type { ServerUser } from './server-user.js'

/** What `<platform>.json` beside an archive says of it; written by scripts/make-prepared-archive.mjs. */
export interface ArchiveDescription {
  version: string
  flags: string[]
  /** Of `<platform>.tar.br`. */
  sha256: string
  /** The administrator's. No secret: whoever reaches the socket needs none, and these clusters listen nowhere else. */
  password: string
}

/** The folder `prepared` of this package, as seen from `src/server` and `dist/server` alike. */
const folder = new URL('../../prepared/', import.meta.url)

/**
 * Unpacks the finished data folder that this package brings along for a uid that initdb refuses, after checking that it
 * is what initdb of the installed version would have made here.
 *
 * @returns the administrator's password
 * @throws `SERVER_NO_ARCHIVE`
 */
export async function unpackArchive(options: {
  data: string
  installed: InstalledBinaries
  user: ServerUser
  flags: string[]
}): Promise<string> {
  const { data, installed, user, flags } = options
  const { platform, version } = installed
  const refuse = (problem: string) => serverErrors.SERVER_NO_ARCHIVE({ platform, version, problem })
  const text = await readFile(new URL(`${platform}.json`, folder), 'utf8').catch(() => undefined)
  if (text === undefined) throw refuse('there is none')
  const description = JSON.parse(text) as ArchiveDescription
  if (description.version !== version) throw refuse(`it is of PostgreSQL ${description.version}`)
  if (JSON.stringify(description.flags) !== JSON.stringify(flags)) throw refuse('it was made with other settings')
  const file = fileURLToPath(new URL(`${platform}.tar.br`, folder))
  const archive = await readFile(file).catch(() => undefined)
  if (!archive || createHash('sha256').update(archive).digest('hex') !== description.sha256) {
    throw refuse(`${file} is damaged`)
  }
  const { x: extract } = await import('tar')
  await makePrivateFolder(data, user)
  await pipeline(Readable.from([archive]), createBrotliDecompress(), extract({ cwd: data, ...user.runAs }))
  return description.password
}
