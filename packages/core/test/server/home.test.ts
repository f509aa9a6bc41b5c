import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { clusterFolders, seedbedHome } from '../../src/server/home.js'
import { isRoot } from './support.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedbed-home-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('SEEDBED_HOME as it is, made absolute', () => {
  expect(seedbedHome({ SEEDBED_HOME: '/srv/seedbed', HOME: folder })).toBe('/srv/seedbed')
  expect(seedbedHome({ SEEDBED_HOME: 'cache' })).toBe(join(process.cwd(), 'cache'))
})

test.skipIf(!isRoot)('root: where another user can reach it (only as root)', () => {
  expect(seedbedHome({ HOME: folder, XDG_CACHE_HOME: folder })).toBe('/var/cache/seedbed')
})

test.skipIf(isRoot || process.platform !== 'linux')(
  "the user's cache folder (only as an ordinary user of Linux)",
  async () => {
    expect(seedbedHome({ HOME: folder })).toBe(join(folder, '.cache/seedbed'))
    expect((await stat(join(folder, '.cache/seedbed'))).mode & 0o777).toBe(0o700)
    expect(seedbedHome({ HOME: folder, XDG_CACHE_HOME: join(folder, 'xdg') })).toBe(join(folder, 'xdg/seedbed'))
    expect(seedbedHome({ HOME: folder, XDG_CACHE_HOME: 'relative' })).toBe(join(folder, '.cache/seedbed'))
    await mkdir(join(folder, 'closed'), { mode: 0o500 })
    vi.stubEnv('TMPDIR', folder)
    expect(seedbedHome({ HOME: join(folder, 'closed') })).toBe(join(folder, `seedbed-${process.geteuid!()}`))
    vi.unstubAllEnvs()
    await chmod(join(folder, 'closed'), 0o700)
  },
)

test('a cluster is told apart by its project and by all that must not be shared; its name can be read', () => {
  const one = clusterFolders('/home', '/work/Mein Shöp!', { version: '18.4' })
  expect(one.folder).toMatch(/^\/home\/clusters\/Mein-Shop-[0-9a-f]{12}$/)
  expect(one.data).toBe(join(one.folder, 'data'))
  const others = [
    clusterFolders('/home', '/other/Mein Shöp!', { version: '18.4' }),
    clusterFolders('/home', '/work/Mein Shöp!', { version: '18.5' }),
  ]
  expect(new Set([one, ...others].map(({ folder }) => folder)).size).toBe(3)
  // The way to it is the same.
  const [here, there] = ['/builds/shop', '/work/shop-2'].map(shop => clusterFolders(`${shop}/.seedbed`, shop, {}))
  expect(basename(here!.folder)).toBe(basename(there!.folder))
  expect(here!.id).not.toBe(there!.id)
  expect(clusterFolders('/home', '/工作', {}).folder).toMatch(/^\/home\/clusters\/project-[0-9a-f]{12}$/)
})
