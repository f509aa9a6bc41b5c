import { spawn } from 'node:child_process'
import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ClusterRecord } from '../../src/server/cluster-record.js'
import { exists } from '../../src/server/home.js'
import { openServer } from '../../src/server/open-server.js'
import type { HostIdentity } from '../../src/server/process-identity.js'
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
afterEach(() => place[Symbol.asyncDispose]())

const open = (): Promise<Server> =>
  openServer({
    projectFolder: place.project,
    config: {},
    home: place.home,
    progress: line => progress.push(line),
  })

/** A cluster that was used once: `kept` says whether its data is still there afterwards. */
async function usedCluster(): Promise<string> {
  const server = await open()
  await query(server.adminUrl, 'create database kept')
  await server[Symbol.asyncDispose]()
  progress.length = 0
  return onlyCluster(place.home)
}

/** The same with a server that was killed, its postmaster and everything else. */
async function crashedCluster(): Promise<string> {
  const run = openInChild(place)
  const { adminUrl } = await run.opened
  await query(adminUrl, 'create database kept')
  const [pid] = await serversUnder(place.home)
  process.kill(pid!, 'SIGKILL')
  await run.kill()
  await until(async () => (await isGone(pid!)) || undefined)
  return onlyCluster(place.home)
}

async function processOfServerUser(): Promise<AsyncDisposable & { pid: number }> {
  const child = spawn('sleep', ['1000'], { ...(await serverUser()).runAs, stdio: 'ignore' })
  return { pid: child.pid!, [Symbol.asyncDispose]: async () => void child.kill() }
}

/** Into a lock file of PostgreSQL's. */
async function putPid(file: string, pid: number): Promise<void> {
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^\d+/, String(pid)))
}

async function isKept(server: Server): Promise<boolean> {
  const rows = await query(server.adminUrl, `select from pg_database where datname = 'kept'`)
  return rows.length === 1
}

async function changeHost(cluster: string, change: Partial<HostIdentity>): Promise<void> {
  const file = join(cluster, 'cluster.json')
  const record = JSON.parse(await readFile(file, 'utf8')) as ClusterRecord
  await writeFile(file, JSON.stringify({ ...record, host: { ...record.host, ...change } }))
}

describe('a server that did not end well', () => {
  test('SIGKILLed: started again, with what was committed', async () => {
    await crashedCluster()
    await using server = await open()
    expect([server.origin, await isKept(server)]).toEqual(['started', true])
  })

  test('its pid is another process of the same user now', async () => {
    const cluster = await crashedCluster()
    await using stranger = await processOfServerUser()
    await putPid(join(cluster, 'data/postmaster.pid'), stranger.pid)
    await putPid(join(cluster, 'socket/.s.PGSQL.5432.lock'), stranger.pid)
    await using server = await open()
    expect([server.origin, await isKept(server)]).toEqual(['started', true])
    expect(await isGone(stranger.pid)).toBe(false)
  })

  test('a backend in the midst of a query has outlived its postmaster', async () => {
    const run = openInChild(place)
    const { adminUrl } = await run.opened
    const [pid] = await serversUnder(place.home)
    const client = new Client({ connectionString: adminUrl })
    client.on('error', () => {})
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const backend = rows[0]!.pid
    const busy = client.query('do $$ begin loop end loop; end $$').then(
      () => 'finished',
      () => 'ended',
    )
    await until(async () => (await readFile(`/proc/${backend}/stat`, 'utf8')).includes(') R ') || undefined)
    process.kill(pid!, 'SIGKILL')
    await run.kill()
    await until(async () => (await isGone(pid!)) || undefined)
    expect(await isGone(backend)).toBe(false)
    await using server = await open()
    expect(server.origin).toBe('started')
    // A process that was killed lets its memory go, which the next server asks for, a moment before it is gone itself.
    await until(async () => (await isGone(backend)) || undefined)
    expect(await busy).toBe('ended')
  })

  test('SIGSTOPped: a run waits until it goes on', async () => {
    const run = openInChild(place)
    await run.opened
    const [pid] = await serversUnder(place.home)
    process.kill(pid!, 'SIGSTOP')
    let isOpen = false
    const opening = open().finally(() => (isOpen = true))
    const cluster = await onlyCluster(place.home)
    await until(async () => ((await exists(join(cluster, 'lock'))) ? true : undefined))
    expect(isOpen).toBe(false)
    process.kill(pid!, 'SIGCONT')
    const server = await opening
    expect(server.origin).toBe('attached')
    await server[Symbol.asyncDispose]()
    await run.close()
  })

  test('stopped by a signal, it is no server: the next run waits for its end and starts it', async () => {
    const run = openInChild(place)
    await run.opened
    const [pid] = await serversUnder(place.home)
    process.kill(pid!, 'SIGINT')
    await using server = await open()
    expect(server.origin).toBe('started')
    await run.kill()
  })
})

describe('a data folder', () => {
  test('of another version is discarded', async () => {
    const cluster = await usedCluster()
    await writeFile(join(cluster, 'data/PG_VERSION'), '17\n')
    await using server = await open()
    expect([server.origin, await isKept(server)]).toEqual(['initialised', false])
    expect(progress).toEqual([`discarding ${cluster}/data: it belongs to PostgreSQL 17`])
  })

  test('half deleted is discarded', async () => {
    const cluster = await usedCluster()
    await rm(join(cluster, 'data/global'), { recursive: true })
    await using server = await open()
    expect(server.origin).toBe('initialised')
    expect(progress).toEqual([`discarding ${cluster}/data: it is incomplete`])
  })

  test('deleted while its server ran: that server is ended before it takes the next one’s socket with it', async () => {
    const run = openInChild(place)
    await run.opened
    const [pid] = await serversUnder(place.home)
    await run.kill()
    await rm(place.home, { recursive: true, maxRetries: 10 })
    await using server = await open()
    expect(server.origin).toBe('initialised')
    await until(async () => (await isGone(pid!)) || undefined)
    expect(await query(server.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('whose record is lost is discarded, and a server on it ended', async () => {
    const run = openInChild(place)
    await run.opened
    const [pid] = await serversUnder(place.home)
    const cluster = await onlyCluster(place.home)
    await writeFile(join(cluster, 'cluster.json'), '{"format":')
    await using server = await open()
    expect(server.origin).toBe('initialised')
    expect(await isGone(pid!)).toBe(true)
    expect(progress).toEqual([
      `discarding ${cluster}/data: its cluster.json is missing, damaged or of another version of Seedbed`,
    ])
    await run.kill()
  })

  test('is discarded after a restart of the machine without a clean shutdown', async () => {
    const cluster = await crashedCluster()
    await changeHost(cluster, { boot: 'the boot before' })
    await using stranger = await processOfServerUser()
    await putPid(join(cluster, 'socket/.s.PGSQL.5432.lock'), stranger.pid)
    await using server = await open()
    expect([server.origin, await isKept(server)]).toEqual(['initialised', false])
    expect(progress[0]).toMatch(/discarding .*: the machine was restarted/)
  })

  test('is used after a restart of the machine if it was shut down well before', async () => {
    const cluster = await usedCluster()
    await changeHost(cluster, { boot: 'the boot before' })
    const longBefore = Date.now() / 1000 - uptime() - 3600
    await utimes(join(cluster, 'data/global/pg_control'), longBefore, longBefore)
    await using server = await open()
    expect([server.origin, await isKept(server)]).toEqual(['started', true])
  })

  test('shut down at the last moment before the machine restarted is discarded, and the prepared one too', async () => {
    const cluster = await usedCluster()
    await changeHost(cluster, { boot: 'the boot before' })
    const justBefore = Date.now() / 1000 - uptime() - 10
    const [preparedFolder] = await readdir(join(place.home, 'prepared'))
    for (const file of [
      join(cluster, 'data/global/pg_control'),
      join(place.home, 'prepared', preparedFolder!, 'password'),
    ]) {
      await utimes(file, justBefore, justBefore)
    }
    await using server = await open()
    expect([server.origin, await isKept(server)]).toEqual(['initialised', false])
    expect(progress).toEqual([
      `discarding ${cluster}/data: it was written just before the machine restarted, and durability is off`,
      'initialising a PostgreSQL 18.4 cluster',
    ])
  })

  test('that another machine may be using is refused, and nothing is changed', async () => {
    const cluster = await crashedCluster()
    await changeHost(cluster, { machine: 'another', boot: 'another' })
    const before = await readFile(join(cluster, 'cluster.json'), 'utf8')
    await expect(open()).rejects.toMatchObject({ code: 'SERVER_DATA_IN_USE_ELSEWHERE' })
    expect(await readFile(join(cluster, 'cluster.json'), 'utf8')).toBe(before)
    expect(await exists(join(cluster, 'data/base'))).toBe(true)
  })

  test('that another machine has shut down is used', async () => {
    const cluster = await usedCluster()
    await changeHost(cluster, { machine: 'another', boot: 'another' })
    await using server = await open()
    expect([server.origin, await isKept(server)]).toEqual(['started', true])
  })

  test('on which a server of another container runs is refused', async () => {
    const run = openInChild(place)
    await run.opened
    const [pid] = await serversUnder(place.home)
    await changeHost(await onlyCluster(place.home), { pidNamespace: 'pid:[1]' })
    await expect(open()).rejects.toMatchObject({ code: 'SERVER_DATA_IN_USE_ELSEWHERE' })
    expect(await serversUnder(place.home)).toEqual([pid])
    await run.kill()
  })

  test('of a container that was killed is used: in the same kernel its socket proves it dead', async () => {
    const cluster = await crashedCluster()
    await changeHost(cluster, { pidNamespace: 'pid:[1]' })
    await using server = await open()
    expect([server.origin, await isKept(server)]).toEqual(['started', true])
  })

  test('from which PostgreSQL cannot recover is discarded', async () => {
    const run = openInChild(place)
    const { adminUrl } = await run.opened
    const [first, second] = [new Client(adminUrl), new Client(adminUrl)]
    for (const client of [first, second]) client.on('error', () => {})
    await Promise.all([first.connect(), second.connect()])
    // PostgreSQL keeps the empty file of a table that was rolled back until its next checkpoint. Killed before the
    // rollback is in its log, it makes the table again when it recovers, and comes upon that file.
    await first.query('begin; create unlogged table lost ()')
    await second.query('set synchronous_commit = on; create table flushes_the_log ()')
    const { rows } = await second.query<{ pid: number }>(
      `select pid from pg_stat_activity where backend_type in ('walwriter', 'background writer', 'checkpointer')`,
    )
    for (const { pid } of rows) process.kill(pid, 'SIGSTOP')
    await first.query('rollback')
    const [server] = await serversUnder(place.home)
    process.kill(server!, 'SIGKILL')
    await run.kill()
    await until(async () => (await isGone(server!)) || undefined)

    await using next = await open()
    expect(next.origin).toBe('initialised')
    expect(progress).toContainEqual(
      expect.stringMatching(/^discarding .*\/data: PostgreSQL cannot recover it: .*FATAL: .*File exists/),
    )
  })

  test('with which the server does not start is explained with the end of its log', async () => {
    const cluster = await usedCluster()
    await rm(join(cluster, 'data/pg_wal'), { recursive: true })
    await expect(open()).rejects.toMatchObject({
      code: 'SERVER_DID_NOT_START',
      message: expect.stringMatching(/FATAL: +required WAL directory "pg_wal" does not exist/) as string,
    })
    expect(await readdir(cluster)).not.toContain('lock')
  })
})

describe('a run killed at any instant', () => {
  /** What is there to be seen at an instant, under the home. */
  const instants: [string, RegExp][] = [
    ['it has taken the lock', /clusters\/[^/]+\/lock$/],
    ['initdb begins', /prepared\/[^/]+\.tmp-[^/]+\/data$/],
    ['initdb is in the midst', /prepared\/[^/]+\.tmp-[^/]+\/data\/base\/1\/1259$/],
    ['the prepared folder is there', /prepared\/[^/.]+-[^/]+\/password$/],
    ['the copy begins', /clusters\/[^/]+\/data\.tmp-[^/]+\/base$/],
    ['the copy is there', /clusters\/[^/]+\/data\/PG_VERSION$/],
    ['the server begins', /clusters\/[^/]+\/data\/postmaster\.pid$/],
    ['the server listens', /clusters\/[^/]+\/socket\/\.s\.PGSQL\.5432$/],
  ]
  test.each(instants)('when %s', async instant => {
    // An instant can be too short to be seen: a later one will do then.
    const sights = instants.slice(instants.findIndex(([name]) => name === instant)).map(([, sight]) => sight)
    await rm(place.home, { recursive: true })
    const run = openInChild(place)
    await until(async () => {
      const names = await readdir(place.home, { recursive: true }).catch(() => [])
      return names.some(name => sights.some(sight => sight.test(name))) || undefined
    })
    await run.kill()
    const before = performance.now()
    const server = await open()
    // A second or so on a busy machine; whoever waited for a lock to grow old would need more.
    expect(performance.now() - before).toBeLessThan(10_000)
    expect(await query(server.applicationUrl, 'select 1 as one')).toEqual([{ one: 1 }])
    await server[Symbol.asyncDispose]()
    expect(await serversUnder(place.home)).toEqual([])
    const cluster = await onlyCluster(place.home)
    expect((await readdir(cluster)).filter(name => /lock|tmp/.test(name))).toEqual([])
    expect((await readdir(join(place.home, 'prepared'))).filter(name => name.includes('lock'))).toEqual([])
  })

  test('when it stops the server', async () => {
    const run = openInChild(place)
    await run.opened
    const [pid] = await serversUnder(place.home)
    const closing = run.close().catch(() => {})
    const log = join(await onlyCluster(place.home), 'log')
    await until(async () => (await readFile(log, 'utf8')).includes('received fast shutdown request') || undefined)
    run.process.kill('SIGKILL')
    await closing
    await using server = await open()
    expect(server.origin).toBe('started')
    expect(await isGone(pid!)).toBe(true)
  })
})
