import { mkdir, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exists } from '../../src/server/home.js'
import { openServer } from '../../src/server/open-server.js'
import { serverUser } from '../../src/server/server-user.js'
import { query, testHome, usedHome } from './support.js'

test('the socket goes to a private folder under /tmp where its path would be too long', async () => {
  await using source = await usedHome()
  await using place = await testHome({ source })
  const home = join(place.folder, 'x'.repeat(90))
  await mkdir(home)
  const open = () => openServer({ projectFolder: place.project, config: {}, home, progress: () => {} })

  const server = await open()
  const host = decodeURIComponent(new URL(server.applicationUrl).hostname)
  expect(host).toMatch(/^\/tmp\/seedbed-\d+-[0-9a-f]{12}$/)
  const { mode, uid } = await stat(host)
  expect([mode & 0o777, uid]).toEqual([0o700, (await serverUser()).uid])
  expect(await query(server.applicationUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  await server[Symbol.asyncDispose]()
  expect(await exists(host)).toBe(false)

  const elsewhere = join(place.folder, 'elsewhere')
  await mkdir(elsewhere)
  await symlink(elsewhere, host)
  await expect(open()).rejects.toMatchObject({ code: 'SERVER_FOLDER_NOT_PRIVATE' })
  await rm(host)
})
