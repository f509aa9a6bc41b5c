import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres } from '@seedbed/postgres-for-tests'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cacheKey } from '../../src/prepare/cache-key.js'
import { prepareRun } from '../../src/prepare/prepare-run.js'
import { startRun } from '../../src/run/start-run.js'
import { isSealed } from '../../src/server/cluster-record.js'
import { restoreEnvironmentAfterEach } from '../run/support.js'
import { onlyCluster, serversUnder } from '../server/support.js'
import { allUsers, checkout, runOnce, type Checkout } from './support.js'

restoreEnvironmentAfterEach()
let here: Checkout
beforeEach(async () => {
  here = await checkout()
})
afterEach(() => here[Symbol.asyncDispose]())

describe('prepare', () => {
  test('leaves a stopped server, without logs, on which a run initialises, builds and clones nothing', async () => {
    const begun: string[] = []
    const first = await prepareRun({ folder: here.folder, workers: 2, begin: ({ server }) => begun.push(server) })
    const folder = await onlyCluster(here.home)
    expect(begun).toEqual(['the PostgreSQL from npm'])
    expect(first).toMatchObject({
      origin: 'initialised',
      workers: 2,
      cloned: 2,
      folder,
      sealed: true,
      kind: 'embedded',
    })
    expect(first.templateBuilt).toBe('the first of this project')
    expect(await serversUnder(here.home)).toEqual([])
    expect((await readdir(folder)).toSorted()).toEqual([
      'cluster.json',
      'data',
      'pg_hba.conf',
      'postgresql.conf',
      'socket',
    ])

    const again = await prepareRun({ folder: here.folder, workers: 2 })
    expect(again).toMatchObject({ origin: 'started', templateBuilt: null, cloned: 0, sealed: true })
    expect(await runOnce(here)).toMatchObject({
      origin: 'started',
      templateBuilt: null,
      databases: { cloned: 0 },
      users: allUsers,
    })
  })

  test('beside a run says that the folder cannot be archived yet; the last one out seals it', async () => {
    const run = await startRun({ folder: here.folder, slots: 1 })
    expect(await prepareRun({ folder: here.folder, workers: 1 })).toMatchObject({ origin: 'attached', sealed: false })
    await run.close()
    expect(await isSealed(join(await onlyCluster(here.home), 'cluster.json'))).toBe(true)
  })

  test('where nobody prepares anything, nobody spends time on a seal', async () => {
    await (await startRun({ folder: here.folder, slots: 1 })).close()
    expect(await isSealed(join(await onlyCluster(here.home), 'cluster.json'))).toBe(false)
  })

  test('on a server of the user’s: the databases wait there, and no folder is named', async () => {
    await using server = await startPostgres()
    process.env.TEST_DATABASE_URL = server.url
    const begun: string[] = []
    const done = await prepareRun({ folder: here.folder, workers: 3, begin: ({ server }) => begun.push(server) })
    expect(done).toMatchObject({ kind: 'external', cloned: 3, folder: null, sealed: false })
    expect(begun).toEqual([expect.stringMatching(/^postgresql:\/\/[^:@]+@[^@]+\/\w+$/)])
    expect(await runOnce(here, 3)).toMatchObject({ templateBuilt: null, databases: { cloned: 0, recycled: 3 } })
    expect(existsSync(here.home)).toBe(false)
  })

  test('a seed that does not fit is said as in a run, and no server is left', async () => {
    await writeFile(join(here.folder, 'seeds/users.json'), '{ "users": [{ "nmae": "Ada" }] }')
    await expect(prepareRun({ folder: here.folder })).rejects.toMatchObject({ code: 'SEED_UNKNOWN_COLUMN' })
    expect(await serversUnder(here.home)).toEqual([])
  })
})

describe('cacheKey', () => {
  test('is the same in another checkout, and starts nothing', async () => {
    const { key, parts } = await cacheKey(here.folder)
    expect(key).toMatch(/^seedbed-[a-z]+-[a-z0-9]+-18\.\d+-[0-9a-f]{32}$/)
    expect(Object.keys(parts)).toEqual([
      'C library',
      'PostgreSQL',
      'Seedbed',
      "Seedbed's template format",
      'migrations/1_users.sql',
      'platform',
      'seeds/users.json',
      "server's settings",
      'user id of the server',
    ])
    expect(JSON.stringify(parts)).not.toContain(here.folder)
    await using other = await checkout()
    expect(await cacheKey(other.folder)).toEqual({ key, parts })
    expect([existsSync(here.home), existsSync(other.home)]).toEqual([false, false])
    await prepareRun({ folder: other.folder, workers: 1 })
    expect(await cacheKey(other.folder)).toEqual({ key, parts })
  })

  test.each([
    ['a migration', 'migrations/2.sql', 'select 1'],
    ['a seed', 'seeds/users.json', '{}'],
    ['an extension', 'seedbed.config.json', '{ "extensions": ["citext"] }'],
  ])('changes with %s', async (_, name, text) => {
    const before = await cacheKey(here.folder)
    await writeFile(join(here.folder, name), text)
    expect((await cacheKey(here.folder)).key).not.toBe(before.key)
  })

  test.each([
    [
      'a URL',
      { environments: { test: { url: 'postgresql://app:secret@localhost:1/test' } } },
      'postgresql://app@localhost:1/test',
    ],
    ['a container', { server: 'container' }, 'a server in a container'],
  ])('with %s there is none, and the error says what to do', async (_, config, server) => {
    await writeFile(join(here.folder, 'seedbed.config.json'), JSON.stringify(config))
    const error = await cacheKey(here.folder).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({
      code: 'CACHE_NOTHING_TO_KEEP',
      hint: expect.stringMatching(/seedbed prepare/) as string,
    })
    expect((error as Error).message).toContain(`tested on ${server},`)
    expect((error as Error).message).not.toContain('secret')
  })
})
