import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { installedBinaries, runnableBinaries } from '../../src/server/binaries.js'
import { initialise, prepared } from '../../src/server/prepared.js'
import { readArchive, unpackArchive } from '../../src/server/prepared-archive.js'
import { serverUser } from '../../src/server/server-user.js'
import { initdbFlags } from '../../src/server/settings.js'
import { testHome, type TestHome } from './support.js'

let place: TestHome
beforeEach(async () => {
  place = await testHome()
})
afterEach(() => place[Symbol.asyncDispose]())

const linux = async () => ({ ...(await installedBinaries()), platform: 'linux-x64' })

test('the archive is what initdb of the installed version makes with our flags', async () => {
  // An archive that is out of date, or a new platform's: packages/core/scripts/make-prepared-archive.mjs
  const archive = await readArchive(await linux(), initdbFlags('linux-x64'))
  if ('problem' in archive) throw new Error(archive.problem)
  const user = await serverUser()
  const unpacked = join(place.folder, 'unpacked')
  expect(await unpackArchive(archive, unpacked, user)).toBe(archive.password)
  if (process.platform !== 'linux') return
  const installed = await installedBinaries()
  const initialised = join(place.folder, 'initialised')
  const binaries = await runnableBinaries(installed, place.home, user)
  await initialise(initialised, { installed, binaries, user })
  expect(await filesOf(unpacked)).toEqual(await filesOf(initialised))
})

test('a home takes the archive; without one that fits initdb, or for a user without a name an error', async () => {
  const installed = await installedBinaries()
  const user = await serverUser()
  const binaries = await runnableBinaries(installed, place.home, user)
  const lines: string[] = []
  const another = { ...installed, version: `${installed.version}.0` }
  const options = {
    home: place.home,
    installed: another,
    binaries,
    progress: (line: string) => void lines.push(line),
    meanwhile: () => void lines.push('meanwhile'),
  }
  const fitting = await readArchive(installed, initdbFlags(installed.platform))
  const { password: known } = await prepared({ ...options, installed, user })
  if (!('problem' in fitting)) expect(known).toBe(fitting.password)
  lines.length = 0
  const { data, password } = await prepared({ ...options, user })
  expect(lines).toEqual([`initialising a PostgreSQL ${another.version} cluster`, 'meanwhile'])
  expect(await readdir(data)).toContain('PG_VERSION')
  expect(password).toHaveLength(32)
  expect(password).not.toBe(known)
  const making = prepared({ ...options, home: place.folder, user: { ...user, canInitialise: false } })
  await expect(making).rejects.toMatchObject({
    code: 'SERVER_NO_ARCHIVE',
    message: expect.stringContaining('it is of PostgreSQL') as string,
  })
})

test.each([
  ['another version', { version: '18.3' }, [], 'it is of PostgreSQL'],
  ['another platform', { platform: 'linux-riscv64' }, [], 'there is none'],
  ['other settings', {}, ['--locale=de_DE'], 'it was made with other settings'],
])('%s: none', async (_, difference, more, problem) => {
  const archive = await readArchive({ ...(await linux()), ...difference }, [...initdbFlags('linux-x64'), ...more])
  expect(archive).toEqual({ problem: expect.stringContaining(problem) as string })
})

/** Every path below a folder with its rights and size. */
async function filesOf(folder: string) {
  const names = (await readdir(folder, { recursive: true })).toSorted()
  return Promise.all(
    names.map(async name => {
      const { mode, size, uid } = await stat(join(folder, name))
      return [name, (mode & 0o777).toString(8), uid, size]
    }),
  )
}
