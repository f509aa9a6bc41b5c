import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { installedBinaries, runnableBinaries } from '../../src/server/binaries.js'
import { withDatabase } from '../../src/server/database-url.js'
import { openEmbedded } from '../../src/server/embedded.js'
import { openServer } from '../../src/server/open-server.js'
import type { Server } from '../../src/server/server.js'
import { serverUser } from '../../src/server/server-user.js'
import {
  isGone,
  onlyCluster,
  openInChild,
  query,
  serversUnder,
  testHome,
  until,
  usedHome,
  type TestHome,
} from './support.js'

let source: TestHome
let place: TestHome
let progress: string[]
beforeAll(async () => {
  source = await usedHome()
})
afterAll(() => source[Symbol.asyncDispose]())
beforeEach(async () => {
  place = await testHome({ source })
  progress = []
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await place[Symbol.asyncDispose]()
})

const open = (project = place.project): Promise<Server> =>
  openServer({ projectFolder: project, config: {}, home: place.home, progress: line => progress.push(line) })

test('initialised, attached to, stopped by the last one out, started again', async () => {
  await rm(place.home, { recursive: true })
  const first = await open()
  expect(first).toMatchObject({
    kind: 'embedded',
    description: 'embedded PostgreSQL 18.4',
    version: '18.4',
    origin: 'initialised',
    copy: 'file_copy',
  })
  expect(progress).toEqual(['initialising a PostgreSQL 18.4 cluster'])
  const second = await open()
  expect(second.origin).toBe('attached')
  expect(second.applicationUrl).toBe(first.applicationUrl)
  expect(await query(second.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }])

  await first[Symbol.asyncDispose]()
  expect(await query(second.applicationUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  await query(second.adminUrl, 'create database kept')
  await Promise.all([second[Symbol.asyncDispose](), second[Symbol.asyncDispose]()])
  expect(await serversUnder(place.home)).toEqual([])

  const third = await open()
  expect(third.origin).toBe('started')
  expect(await query(withDatabase(third.adminUrl, 'kept'), 'select 1 as one')).toEqual([{ one: 1 }])
  await third[Symbol.asyncDispose]()
  expect(await serversUnder(place.home)).toEqual([])
})

test.each(['after', 'while'])(
  'a server one of whose backends was killed is stopped all the same, %s it recovers',
  async when => {
    const server = await open()
    const guest = new Client({ connectionString: server.adminUrl })
    guest.on('error', () => {})
    await guest.connect()
    const { rows } = await guest.query<{ pid: number }>('select pg_backend_pid() as pid')
    const lost = new Promise(resolve => void guest.once('end', resolve))
    process.kill(rows[0]!.pid, 'SIGKILL')
    await lost
    if (when === 'after') await vi.waitFor(() => query(server.adminUrl, 'select 1'), 30_000)
    await server[Symbol.asyncDispose]()
    expect(await serversUnder(place.home)).toEqual([])
  },
)

test('closing after somebody has deleted the home is no error', async () => {
  const server = await open()
  const [pid] = await serversUnder(place.home)
  await rm(place.home, { recursive: true })
  await server[Symbol.asyncDispose]()
  process.kill(pid!, 'SIGQUIT')
})

test('a session that is not a run keeps the server up', async () => {
  const server = await open()
  const guest = new Client({ connectionString: server.applicationUrl })
  await guest.connect()
  await server[Symbol.asyncDispose]()
  expect((await guest.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await guest.end()
  const next = await open()
  expect(next.origin).toBe('attached')
  await next[Symbol.asyncDispose]()
  expect(await serversUnder(place.home)).toEqual([])
})

test('no TCP port, the socket in a private folder, nothing that tells a secret', async () => {
  await using server = await open()
  const rows = await query(
    server.adminUrl,
    `select name, setting from pg_settings where name in ('listen_addresses', 'port')`,
  )
  expect(rows).toContainEqual({ name: 'listen_addresses', setting: '' })
  const cluster = await onlyCluster(place.home)
  const socket = await stat(join(cluster, 'socket'))
  expect(socket.mode & 0o777).toBe(0o700)
  expect((await stat(join(cluster, 'cluster.json'))).mode & 0o777).toBe(0o600)
  const { password } = new URL(server.applicationUrl)
  expect(password.length).toBeGreaterThanOrEqual(32)
  expect(new URL(server.adminUrl).password).not.toBe(password)
  for (const file of ['log', 'postgresql.conf', 'pg_hba.conf']) {
    expect(await readFile(join(cluster, file), 'utf8')).not.toContain(password)
  }
})

test('what the environment says does not reach the server or our sessions', async () => {
  vi.stubEnv('PGOPTIONS', '-c nonsense=1')
  vi.stubEnv('PGSSLMODE', 'require')
  vi.stubEnv('PGPORT', '1')
  vi.stubEnv('PGHOST', 'nowhere.invalid')
  vi.stubEnv('PGUSER', 'nobody')
  vi.stubEnv('PGDATABASE', 'nothing')
  vi.stubEnv('PGDATA', '/nowhere')
  vi.stubEnv('PGTZ', 'Asia/Tokyo')
  vi.stubEnv('TZ', 'Asia/Tokyo')
  vi.stubEnv('LC_ALL', 'de_DE.UTF-8')
  await using server = await open()
  vi.unstubAllEnvs()
  const [row] = await query(
    server.applicationUrl,
    `select current_setting('timezone') as timezone, current_setting('lc_messages') as messages,
            current_setting('max_connections') as connections, current_setting('max_locks_per_transaction') as locks,
            current_setting('fsync') as fsync, current_setting('autovacuum') as autovacuum`,
  )
  const expected = { timezone: 'UTC', messages: 'C', connections: '300', locks: '256', fsync: 'off', autovacuum: 'on' }
  expect(row).toEqual(expected)
})

test('order by code point, case and words by Unicode', async () => {
  await using server = await open()
  const words = await query(server.applicationUrl, `select w from unnest(array['é', 'Z', 'a', 'ä', 'B']) w order by w`)
  expect(words.map(({ w }) => w as string)).toEqual(['B', 'Z', 'a', 'ä', 'é'])
  await query(server.adminUrl, 'create extension pg_trgm')
  const [row] = await query(
    server.adminUrl,
    `select lower('ÄÉ') as low, 'É' ilike 'é' as alike, to_tsvector('simple', 'Straße')::text as words,
            array_length(show_trgm('Zürich'), 1) as trigrams`,
  )
  expect(row).toEqual({ low: 'äé', alike: true, words: `'straße':1`, trigrams: 7 })
})

test("the application's role is ordinary: row-level security holds, and what it need not do it cannot", async () => {
  await using server = await open()
  await query(server.adminUrl, 'create database shop owner seedbed_app')
  const shop = withDatabase(server.applicationUrl, 'shop')
  await query(
    shop,
    `create table orders (id int, tenant text);
     insert into orders values (1, 'mine'), (2, 'theirs');
     alter table orders enable row level security;
     alter table orders force row level security;
     create policy own on orders using (tenant = 'mine')`,
  )
  expect(await query(shop, 'select id from orders')).toEqual([{ id: 1 }])
  expect(await query(withDatabase(server.adminUrl, 'shop'), 'select id from orders')).toHaveLength(2)
  const [role] = await query(
    server.applicationUrl,
    `select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls from pg_roles where rolname = current_user`,
  )
  expect(Object.values(role!)).toEqual([false, false, false, false, false])
  const denied = [
    ['postgres', 'create role intruder'],
    ['postgres', 'create database intruder'],
    ['postgres', 'create table t ()'],
    ['postgres', 'create temp table t ()'],
    ['postgres', `copy (select 1) to program 'true'`],
    ['template1', 'select 1'],
  ] as const
  for (const [database, sql] of denied) {
    const refused = await query(withDatabase(server.applicationUrl, database), sql).catch(
      (error: { code: string }) => error,
    )
    expect({ sql, code: (refused as { code: string }).code }).toEqual({ sql, code: '42501' })
  }
})

test('a second project runs no initdb, and has roles, settings and databases of its own', async () => {
  await using one = await open()
  progress.length = 0
  await using two = await open(place.folder)
  expect([two.origin, progress]).toEqual(['initialised', []])
  await query(one.adminUrl, 'create role only_here')
  await query(one.adminUrl, `alter role seedbed_app set work_mem = '5MB'`)
  const [row] = await query(
    two.applicationUrl,
    `select count(*)::int as roles, current_setting('work_mem') as memory from pg_roles where rolname = 'only_here'`,
  )
  expect(row).toEqual({ roles: 0, memory: '4MB' })
  expect(new URL(one.applicationUrl).password).not.toBe(new URL(two.applicationUrl).password)
})

test('a new cluster knows the locales of this machine, whatever the prepared folder knew', async () => {
  await using first = await open()
  const known = "select collname from pg_collation where collprovider = 'c' order by 1"
  const locales = await query(withDatabase(first.applicationUrl, 'postgres'), known)
  expect(locales).not.toEqual([])
  const [folder] = (await readdir(join(place.home, 'prepared'))).filter(name => !name.includes('.lock'))
  await runAlone(join(place.home, 'prepared', folder!, 'data'), "delete from pg_collation where collname = 'C.utf8'")
  await using second = await open(place.folder)
  expect(second.origin).toBe('initialised')
  expect(await query(withDatabase(second.adminUrl, 'template1'), known)).toEqual(locales)
})

/** Runs a statement in template1 of a data folder on which no server runs (manual, postgres, "Options for Single-User Mode"). */
async function runAlone(data: string, statement: string): Promise<void> {
  const [installed, user] = await Promise.all([installedBinaries(), serverUser()])
  const { postgres, env } = await runnableBinaries(installed, place.home, user)
  const child = spawn(postgres, ['--single', '-D', data, 'template1'], { ...user.runAs, cwd: '/', env })
  let answer = ''
  child.stdout.on('data', chunk => (answer += String(chunk)))
  child.stderr.on('data', chunk => (answer += String(chunk)))
  child.stdin.end(`${statement}\n`)
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0 || answer.includes('ERROR')) throw new Error(answer)
}

test('8 processes at once on an empty home: one cluster, one server, which the last one stops', async () => {
  await rm(place.home, { recursive: true })
  const runs = Array.from({ length: 8 }, () => openInChild(place))
  const opened = await Promise.all(runs.map(run => run.opened))
  expect(opened.map(({ origin }) => origin).toSorted()).toEqual([...Array(7).fill('attached'), 'initialised'])
  const lines = runs.flatMap(run => run.progress).filter(line => line.startsWith('initialising'))
  expect(lines).toHaveLength(1)
  expect(new Set(opened.map(({ applicationUrl }) => applicationUrl)).size).toBe(1)
  expect(await serversUnder(place.home)).toHaveLength(1)
  await Promise.all(runs.map(run => run.close()))
  expect(await serversUnder(place.home)).toEqual([])
  const left = (await readdir(await onlyCluster(place.home))).toSorted()
  expect(left).toEqual(['cluster.json', 'data', 'log', 'pg_hba.conf', 'postgresql.conf', 'socket'])
  expect(await readdir(join(place.home, 'prepared'))).toHaveLength(1)
}, 60_000)

test("the terminal's Ctrl-C ends a run but no server, and a killed run's server is taken over", async () => {
  const killed = openInChild(place)
  await killed.opened
  const [pid] = await serversUnder(place.home)
  await killed.kill()
  const next = await open()
  expect(next.origin).toBe('attached')
  const interrupted = openInChild({ ...place, detached: true })
  await interrupted.opened
  const ended = once(interrupted.process, 'exit')
  process.kill(-interrupted.pid, 'SIGINT')
  expect(await ended).toEqual([null, 'SIGINT'])
  expect(await query(next.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(await serversUnder(place.home)).toEqual([pid])
  await next[Symbol.asyncDispose]()
  expect(await isGone(pid!)).toBe(true)
})

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'the server of a run that %s has ended is stopped',
  async signal => {
    const run = openInChild(place)
    const { applicationUrl } = await run.opened
    // As a worker that ends a moment later.
    const worker = new Client({ connectionString: applicationUrl })
    await worker.connect()
    const ended = once(run.process, 'exit')
    run.process.kill(signal)
    expect(await ended).toEqual([null, signal])
    expect(await serversUnder(place.home)).toHaveLength(1)
    await worker.end()
    await until(async () => (await serversUnder(place.home)).length === 0 || undefined)
  },
)

test('a run that forgets to close its server ends all the same, and the server is stopped behind it', async () => {
  const run = openInChild({ ...place, env: { LEAVE_WITHOUT_CLOSING: '1' } })
  const ended = once(run.process, 'exit')
  await run.opened
  expect(await ended).toEqual([0, null])
  await until(async () => (await serversUnder(place.home)).length === 0 || undefined)
})

test('on loopback, as on Windows: a password is asked for, and the port is found again', async () => {
  const openLoopback = () =>
    openEmbedded({ projectFolder: place.project, home: place.home, progress: () => {}, listen: 'loopback' })
  const first = await openLoopback()
  const url = new URL(first.applicationUrl)
  expect(url.hostname).toBe('127.0.0.1')
  expect(await query(first.applicationUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  url.password = 'wrong'
  await expect(query(url.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  const second = await openLoopback()
  expect([second.origin, second.applicationUrl]).toEqual(['attached', first.applicationUrl])
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
  expect(await serversUnder(place.home)).toEqual([])
  const third = await openLoopback()
  expect(third.origin).toBe('started')
  await third[Symbol.asyncDispose]()
})

test('the wait of one run for another is told', async () => {
  const run = openInChild(place)
  await until(async () => ((await onlyCluster(place.home).catch(() => '')) ? true : undefined))
  await run.opened
  const { underLock } = await import('../../src/server/file-lock.js')
  const lock = join(await onlyCluster(place.home), 'lock')
  const server = await underLock(lock, async () => {
    const opening = open()
    await vi.waitFor(
      () => expect(progress).toEqual([`waiting for pid ${process.pid}, which starts or stops the server`]),
      5000,
    )
    return { opening }
  })
  await (await server.opening)[Symbol.asyncDispose]()
  await run.close()
})

test('a home whose path no library path can hold is refused', async () => {
  const home = join(place.folder, 'a:b')
  const opening = openServer({ projectFolder: place.project, config: {}, home })
  await expect(opening).rejects.toMatchObject({ code: 'SERVER_HOME_UNUSABLE' })
})

test('a home that is a file is refused', async () => {
  const home = join(place.folder, 'file')
  await writeFile(home, '')
  const opening = openServer({ projectFolder: place.project, config: {}, home })
  await expect(opening).rejects.toMatchObject({ code: 'SERVER_HOME_UNUSABLE' })
})

test('importing the room loads no driver', async () => {
  const script = `import('${new URL('../../dist/server/open-server.js', import.meta.url).href}').then(() =>
    process.exit(Object.keys(require('module')._cache).some(name => name.includes('/pg/')) ? 1 : 0))`
  const [code] = await once(spawn(process.execPath, ['-e', script], { stdio: 'inherit' }), 'exit')
  expect(code).toBe(0)
})
