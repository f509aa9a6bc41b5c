import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Makes the data directory of a server: by initdb, or, where `npm test` has named a folder for it in `SEEDBED_TEST_CLUSTERS`, as a copy
 * of the one that initdb has made there once a version. That is a tenth of its time. No two have the same identity.
 *
 * @param initdb makes one in the folder, which is empty and `owner`'s
 * @param owner of all files, if not the user of this process
 */
export async function makeCluster(
  data: string,
  {
    version,
    owner,
    initdb,
  }: { version: number; owner: { uid: number; gid: number } | undefined; initdb(data: string): Promise<void> },
): Promise<void> {
  const folder = process.env.SEEDBED_TEST_CLUSTERS
  const made = async (path: string) => {
    if (owner) await chown(path, owner.uid, owner.gid)
    await initdb(path)
  }
  if (!folder) {
    await mkdir(data, { mode: 0o700 })
    return made(data)
  }
  const first = join(folder, String(version))
  if (!(await readdir(folder)).includes(String(version))) {
    const own = await mkdtemp(`${first}.`)
    await made(own)
    // Another process may have been faster.
    await rename(own, first).catch(() => rm(own, { recursive: true }))
  }
  await promisify(execFile)('cp', ['-a', first, data])
  await giveIdentity(data)
}

/**
 * A cluster is told from others by its system identifier, which initdb makes and every copy keeps. It begins `pg_control`, which
 * ends with a checksum, and stands in the first page of each WAL file, which has none.
 * (src/include/catalog/pg_control.h, src/include/access/xlog_internal.h)
 */
async function giveIdentity(data: string): Promise<void> {
  const identity = randomBytes(8)
  // Shown as a positive number.
  identity[7]! &= 0x7f
  const wal = (await readdir(join(data, 'pg_wal'))).filter(name => /^[0-9A-F]{24}$/.test(name))
  await using control = await open(join(data, 'global', 'pg_control'), 'r+')
  const { buffer } = await control.read(Buffer.alloc(512), 0, 512, 0)
  const end = endOfControl(buffer)
  identity.copy(buffer)
  buffer.writeUInt32LE(crc32c(buffer.subarray(0, end)), end)
  await control.write(buffer, 0, end + 4, 0)
  for (const name of wal) {
    await using file = await open(join(data, 'pg_wal', name), 'r+')
    await file.write(identity, 0, 8, 24)
  }
}

/** Where its checksum stands, which no two versions agree on. */
function endOfControl(control: Buffer): number {
  for (let end = 200; end < control.length - 4; end += 4) {
    if (control.readUInt32LE(end) === crc32c(control.subarray(0, end))) return end
  }
  throw new Error('pg_control has no checksum where one could be')
}

/** https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4; Node's zlib has another polynomial. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}
