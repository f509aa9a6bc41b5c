import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { installedBinaries, runnableBinaries } from '../../src/server/binaries.js'
import { prepared } from '../../src/server/prepared.js'
import { unpackArchive } from '../../src/server/prepared-archive.js'
import { serverUser } from '../../src/server/server-user.js'
import { initdbFlags } from '../../src/server/settings.js'
import { testHome, type TestHome } from './support.js'

let place: TestHome
beforeEach(async () => {
  place = await testHome()
})
afterEach(() => place[Symbol.asyncDispose]())

test('the archive is what initdb of the installed version makes with our flags', async () => {
  // An archive that is out of date, or a new platform's: packages/core/scripts/make-prepared-archive.mjs
  const linux = { ...(await installedBinaries()), platform: 'linux-x64' }
  const user = await serverUser()
  const data = join(place.folder, 'data')
  await unpackArchive({ data, installed: linux, user, flags: initdbFlags('linux-x64') })
  if (process.platform !== 'linux') return
  const home = place.home
  const installed = await installedBinaries()
  const binaries = await runnableBinaries(installed, home, user)
  const made = await prepared({ home, installed, binaries, user, progress: () => {} })
  const [unpacked, initialised] = await Promise.all(
    [data, made.data].map(folder => readdir(folder, { recursive: true })),
  )
  expect(unpacked!.toSorted()).toEqual(initialised!.toSorted())
})

test.each([
  ['another version', { version: '18.3' }, {}, 'it is of PostgreSQL'],
  ['another platform', { platform: 'linux-riscv64' }, {}, 'there is none'],
  ['other settings', {}, { flags: ['--locale=de_DE'] }, 'it was made with other settings'],
])('%s is refused', async (_, difference, change, problem) => {
  const installed = { ...(await installedBinaries()), platform: 'linux-x64', ...difference }
  const data = join(place.folder, 'data')
  const unpacking = unpackArchive({
    data,
    installed,
    user: await serverUser(),
    flags: initdbFlags('linux-x64'),
    ...change,
  })
  await expect(unpacking).rejects.toMatchObject({
    code: 'SERVER_NO_ARCHIVE',
    message: expect.stringContaining(problem) as string,
  })
  expect(await readdir(place.folder)).not.toContain('data')
})
