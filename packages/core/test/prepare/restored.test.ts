import { chmod, open, readdir, readFile, rename, rm, rmdir, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { prepareRun } from '../../src/prepare/prepare-run.js'
import { startRun } from '../../src/run/start-run.js'
import { isSealed } from '../../src/server/cluster-record.js'
import { isRoot, onlyRoot, serversUnder } from '../server/support.js'
import {
  allUsers,
  archive,
  changeRecord,
  checkout,
  damageUsers,
  fileOfUsers,
  restore,
  runOnce,
  type Checkout,
} from './support.js'

let source: Checkout
let saved: string
let users: string
let here: Checkout
let cluster: string
beforeAll(async () => {
  source = await checkout()
  await prepareRun({ folder: source.folder, workers: 2 })
  users = await fileOfUsers(source)
  await prepareRun({ folder: source.folder, workers: 2 })
  saved = await archive(source)
})
afterAll(() => source[Symbol.asyncDispose]())
beforeEach(async () => {
  here = await checkout()
  cluster = await restore(saved, here)
})
afterEach(() => here[Symbol.asyncDispose]())

const nothingMade = { origin: 'started', templateBuilt: null, databases: { cloned: 0, recycled: 2 }, users: allUsers }
const allAnew = { origin: 'initialised', databases: { cloned: 2, recycled: 0 }, users: allUsers }
const record = () => join(cluster, 'cluster.json')
const inData = (name: string) => join(cluster, 'data', name)

describe('a restored cluster', () => {
  test('in a checkout of another name: nothing is initialised, built, cloned or said', async () => {
    expect(await runOnce(here)).toEqual({ ...nothingMade, lines: [] })
  })

  test('from a machine that had just written it when this one was switched on', async () => {
    await changeRecord(cluster, ({ host }) => Object.assign(host, { machine: 'another', boot: 'another' }))
    // Of a file of this machine's it would be doubtful whether the power was lost.
    const beforeBoot = Date.now() / 1000 - uptime() - 10
    await utimes(inData('global/pg_control'), beforeBoot, beforeBoot)
    expect(await runOnce(here)).toEqual({ ...nothingMade, lines: [] })
  })

  test('is checked once: from then on it is as any other, and sealed again when its server stops', async () => {
    const run = await startRun({ folder: here.folder, slots: 2 })
    expect(await isSealed(record())).toBe(false)
    await run.close()
    expect(await isSealed(record())).toBe(true)
    // What is not a copy is not checked: this would be found.
    await writeFile(inData('stranger'), '')
    expect(await runOnce(here)).toEqual({ ...nothingMade, lines: [] })
  })

  test.skipIf(!isRoot)(`in folders that only their owner may pass${onlyRoot}`, async () => {
    for (const folder of [cluster, join(cluster, '..')]) await chmod(folder, 0o700)
    expect(await runOnce(here)).toEqual({ ...nothingMade, lines: [] })
  })

  test('can be saved again after a run', async () => {
    const run = await startRun({ folder: here.folder, slots: 2 })
    await run.close()
    await using next = await checkout()
    await restore(await archive(here), next)
    expect(await runOnce(next)).toEqual({ ...nothingMade, lines: [] })
  })

  test('without its empty folders and with other rights is mended', async () => {
    const empty = ['pg_notify', 'pg_tblspc', 'pg_wal/archive_status', 'pg_wal/summaries']
    for (const name of empty) await rmdir(inData(name))
    for (const name of ['', 'base', 'global/pg_control']) await chmod(inData(name), 0o755)
    await chmod(record(), 0o644)
    const line = `mended the cached cluster ${cluster}: ${empty.length + 3} files and folders were empty and left out, or had lost their owner or rights`
    expect(await runOnce(here)).toEqual({ ...nothingMade, lines: [line] })
    expect((await stat(record())).mode & 0o777).toBe(0o600)
    expect((await stat(inData('base'))).mode & 0o777).toBe(0o700)
  })

  test('with a lock that somebody held while it was saved: nobody waits', async () => {
    const host = { machine: 'another', boot: 'another', pidNamespace: 'pid:[1]' }
    const file = { inode: '1', born: '1' }
    await writeFile(join(cluster, 'lock'), JSON.stringify({ token: 'token', host, pid: 1, started: '1', file }))
    const start = performance.now()
    expect(await runOnce(here)).toEqual({ ...nothingMade, lines: [] })
    // For a lock that is truly held elsewhere, a run waits half a minute.
    expect(performance.now() - start).toBeLessThan(25_000)
  })

  test('whose seeds have changed since: only the template is built', async () => {
    await writeFile(join(here.folder, 'seeds/more.json'), '{ "users": [{ "name": "another" }] }')
    expect(await runOnce(here)).toMatchObject({
      origin: 'started',
      templateBuilt: expect.any(String) as string,
      users: { count: 501 },
    })
  })
})

describe('a cached cluster is made anew, and says why', () => {
  const cut = async (path: string, by: number) => truncate(path, (await stat(path)).size - by)
  const flip = async (path: string) => {
    await using file = await open(path, 'r+')
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 8191)
    await file.write(Buffer.from([buffer[0]! ^ 1]), 0, 1, 8191)
  }
  const cases: [string, () => Promise<unknown>, RegExp][] = [
    [
      'a table’s file is a page shorter',
      () => damageUsers(cluster, users, path => cut(path, 8192)),
      /base\/\d+\/\d+ is not what it was/,
    ],
    ['a table’s file has one other bit', () => damageUsers(cluster, users, flip), /base\/\d+\/\d+ is not what it was/],
    ['a table’s file is missing', () => damageUsers(cluster, users, path => rm(path)), /base\/\d+\/\d+ is missing/],
    [
      'a file is there that was not',
      () => writeFile(inData('base/1/99999'), ''),
      /base\/1\/99999 does not belong to it/,
    ],
    ['pg_control is missing', () => rm(inData('global/pg_control')), /global\/pg_control is missing/],
    ['pg_control is cut', () => truncate(inData('global/pg_control'), 100), /global\/pg_control is not what it was/],
    ['pg_control is empty', () => truncate(inData('global/pg_control')), /global\/pg_control is not what it was/],
    ['PG_VERSION is missing', () => rm(inData('PG_VERSION')), /PG_VERSION is missing/],
    ['PG_VERSION is another', () => writeFile(inData('PG_VERSION'), '17\n'), /PG_VERSION is not what it was/],
    ['the log of writes is missing', () => rm(inData('pg_wal'), { recursive: true }), /pg_wal\/\w+ is missing/],
    ['all databases are missing', () => rm(inData('base'), { recursive: true }), /base\/\d+\/\d+\w* is missing/],
    [
      'a folder is a file',
      async () => {
        await rmdir(inData('pg_notify'))
        await writeFile(inData('pg_notify'), '')
      },
      /EEXIST.*pg_notify/,
    ],
    ['its data are missing', () => rm(join(cluster, 'data'), { recursive: true }), /PG_VERSION is missing/],
    [
      'it is of another architecture',
      () => changeRecord(cluster, ({ seal }) => (seal!.parts.platform = 'linux-s390x')),
      /its platform is linux-s390x, and here it is linux-/,
    ],
    [
      'it is of another C library',
      () => changeRecord(cluster, ({ seal }) => (seal!.parts['C library'] = 'glibc 2.17')),
      /its C library is glibc 2\.17, and here it is /,
    ],
    [
      'it is of another Seedbed',
      () => changeRecord(cluster, ({ seal }) => (seal!.parts.Seedbed = '0.0.0-old')),
      /its Seedbed is 0\.0\.0-old, and here it is /,
    ],
    [
      'it was never sealed',
      () => changeRecord(cluster, record => delete record.seal),
      /it was copied while its server ran, or without seedbed prepare/,
    ],
  ]
  test.each(cases)('%s', async (_, damage, because) => {
    await damage()
    const { lines, ...run } = await runOnce(here)
    expect(run).toMatchObject(allAnew)
    expect(lines[0]).toMatch(new RegExp(`^the cached cluster ${cluster} is made anew: ${because.source}`))
    expect(await serversUnder(here.home)).toEqual([])
    // And the next one is an ordinary second run, though the worker's database was looked into.
    expect(await runOnce(here)).toMatchObject({ origin: 'started', templateBuilt: null, lines: [] })
  })

  test.each([
    ['is missing', () => rm(record())],
    ['is cut', async () => truncate(record(), 300)],
    ['is of an older version', () => changeRecord(cluster, record => (record.format = 1))],
  ])('its cluster.json %s', async (_, damage) => {
    await damage()
    const { lines, ...run } = await runOnce(here)
    expect(run).toMatchObject(allAnew)
    expect(lines[0]).toBe(
      `discarding ${cluster}/data: its cluster.json is missing, damaged or of another version of Seedbed`,
    )
  })

  test.each([
    ['another PostgreSQL', 'PostgreSQL', '17.5'],
    ['another platform', 'platform', 'linux-arm64'],
  ])('%s made it, under another name: it goes', async (_, part, value) => {
    const other = `${cluster.slice(0, -12)}0123456789ab`
    await changeRecord(cluster, ({ seal }) => (seal!.parts[part] = value))
    await rename(cluster, other)
    const { lines, ...run } = await runOnce(here)
    expect(run).toMatchObject(allAnew)
    expect(lines[0]).toMatch(new RegExp(`^the cached cluster ${other} is made anew: its ${part} is ${value}, and here`))
    expect(await readdir(join(here.home, 'clusters'))).toEqual([cluster.split('/').at(-1)])
  })

  test.each([
    ['here', false],
    ['on another machine', true],
  ])('it was saved while its server ran %s', async (_, isElsewhere) => {
    const run = await startRun({ folder: here.folder, slots: 2 })
    const running = await archive(here)
    await run.close()
    await using next = await checkout()
    const copy = await restore(running, next)
    expect(await readFile(join(copy, 'data/postmaster.pid'), 'utf8')).toMatch(/^\d+\n/)
    if (isElsewhere)
      await changeRecord(copy, ({ host }) => Object.assign(host, { machine: 'another', boot: 'another' }))
    const { lines, ...outcome } = await runOnce(next)
    expect(outcome).toMatchObject(allAnew)
    expect(lines[0]).toBe(
      `the cached cluster ${copy} is made anew: it was copied while its server ran, or without seedbed prepare`,
    )
  })
})
