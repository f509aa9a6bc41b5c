import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { startPostgres, type PostgresForTests, type PostgresMajor } from '@seedbed/postgres-for-tests'
import { openTemplates, type BuildWait, type Template } from '../src/index.js'
import { inventory, query, site, siteOf, sqlBuild, startProgram, until, withClient, type Site } from './support.js'

/** A server of its own: these tests look at every database of it, or stop it. */
async function ownServer(version: PostgresMajor): Promise<PostgresForTests> {
  const server = await startPostgres({ version })
  await query(server.url, 'create role maker login createdb')
  return server
}

/** What must hold when a run passes after others were killed: nothing half-built, unknown, leased or connected is left. */
async function expectOrder(server: Site, key: string): Promise<void> {
  const templates = await openTemplates(server)
  const template = await templates.ensure({ key, build: sqlBuild(facts) })
  const [clone] = await templates.clone(template)
  expect(await query(clone?.url ?? '', 'select count(*)::int, sum(n)::int from facts')).toEqual([
    { count: 100, sum: 5050 },
  ])
  expect(await query(clone?.url ?? '', 'insert into facts (n) values (0) returning id')).toEqual([{ id: 101 }])
  await clone?.release({ sessions: 2, clean: false })
  // The server may be busy for a moment with what a dead process has asked for.
  await until(async () => {
    expect((await templates.sweep()).refused).toEqual([])
    const states = await server.admin<{ state: string }>('select state from template_db.databases', [], server.registry)
    return states.every(({ state }) => state === 'ready')
  })
  await templates.close()
  const { databases, registered } = await inventory(server)
  expect(databases).toEqual(registered)
  await until(async () => {
    const sessions = await server.admin(`select from pg_stat_activity where usename = 'maker'`)
    const locks = await server.admin(`select from pg_locks where locktype = 'advisory'`)
    return sessions.length === 0 && locks.length === 0
  })
}

const facts = 'create table facts (id serial, n integer); insert into facts (n) select generate_series(1, 100)'

test.each([15, 18] as const)('PostgreSQL %i: killed at any moment', async version => {
  await using own = await ownServer(version)
  const server = siteOf(own.url)
  const started = performance.now()
  const whole = startProgram('use', { ...server, key: 'whole', sql: facts, clones: 2 })
  await whole.event('start')
  const start = performance.now() - started
  expect(await whole.ended).toBe(0)
  const milliseconds = performance.now() - started - start

  const moments = 12
  for (let moment = 0; moment < moments; moment++) {
    const key = `k${moment}`
    const program = startProgram('use', { ...server, key, sql: facts, clones: 2 })
    await program.event('start')
    await pause((milliseconds * moment) / moments)
    await program.kill()
    if (moment % 4 === 3) await expectOrder(server, key)
  }
})

test.each(['template', 'clone'])('killed while the server is at CREATE DATABASE of a %s', async kind => {
  await using own = await ownServer(18)
  const server = siteOf(own.url)
  // Large enough to be seen at work.
  await server.admin(
    'create table ballast (text text); alter table ballast alter text set storage external',
    [],
    'template1',
  )
  await server.admin(`insert into ballast select repeat('x', 2000) from generate_series(1, 25000)`, [], 'template1')
  const program = startProgram('use', { ...server, key: 'k', sql: facts, clones: 2 })
  await withClient(own.url, client =>
    until(async () => {
      const { rows } = await client.query(
        `select from pg_stat_activity where state = 'active' and query like 'create database "' || $1 || '%'`,
        [kind],
      )
      return rows.length > 0
    }),
  )
  await program.kill()
  expect(program.events.map(({ event }) => event)).not.toContain(kind === 'template' ? 'build' : 'clones')
  const [row] = await server.admin(`select state from template_db.databases where kind = $1`, [kind], server.registry)
  expect(row).toEqual({ state: 'creating' })
  await expectOrder(server, 'k')
})

test('killed while it builds: another process waits, and builds then', async () => {
  const server = site(18)
  // The session of the build does not notice that its client is gone, and would hold the database for a minute.
  const program = startProgram('use', { ...server, key: 'k', sql: 'create table half (); select pg_sleep(60)' })
  const { database } = await program.event<{ database: string }>('build')
  await until(
    async () => (await server.admin(`select from pg_stat_activity where datname = $1`, [database])).length > 0,
  )
  const waits: BuildWait[] = []
  const templates = await server.open({ onWait: wait => waits.push(wait) })
  const ensured = templates.ensure({ key: 'k', build: sqlBuild(facts) })
  await vi.waitUntil(() => waits.length >= 2, { timeout: 30_000 })
  expect(waits[0]).toMatchObject({ key: 'k', holder: { pid: program.process.pid } })
  expect(waits[0]?.milliseconds).toBeLessThan(1000)
  expect((await templates.list()).map(({ state, leased }) => [state, leased])).toEqual([['building', true]])
  expect(await templates.sweep({ unusedForDays: 0 })).toEqual({ dropped: [], refused: [] })

  await program.kill()
  const template = await ensured
  expect(template.built).toBe(true)
  const { databases, registered } = await inventory(server)
  expect(registered).toEqual([template.database])
  expect(databases).not.toContain(database)
})

test('killed while it waits: its sessions go, though the build is still on', async () => {
  const server = site(18)
  const templates = await server.open()
  const template = await templates.ensure({
    key: 'k',
    async build({ url }) {
      const program = startProgram('use', { ...server, key: 'k' })
      await program.event('wait')
      await program.kill()
      await until(async () => {
        const left = await server.admin('select from pg_stat_activity where application_name like $1', [
          `pg-template-db ${program.process.pid}@%`,
        ])
        return left.length === 0
      })
      await query(url, facts)
    },
  })
  expect(template.built).toBe(true)
})

test('a crash of the server ends the leases, and nothing from before it is trusted', async () => {
  await using own = await ownServer(18)
  const server = siteOf(own.url)
  const build = sqlBuild('create unlogged table facts as select 1 as n')
  const before = await openTemplates(server)
  const old = await before.ensure({ key: 'k', build })
  const [waiting, used] = await before.clone(old, { count: 2 })
  await waiting?.release({ sessions: 0, clean: true })
  await own.crashAndRestart()

  const lost = { code: 'LEASE_LOST', message: expect.stringContaining(server.registry) }
  await expect(before.ensure({ key: 'k', build })).rejects.toMatchObject(lost)
  await expect(before.clone(old)).rejects.toMatchObject(lost)
  await expect(before.list()).rejects.toMatchObject(lost)
  await expect(before.sweep()).rejects.toMatchObject(lost)
  await expect(used?.release({ sessions: 0, clean: true })).rejects.toMatchObject(lost)
  await before.close()

  const after = await openTemplates(server)
  expect(await after.sweep()).toMatchObject({
    dropped: [
      { database: old.database, why: 'the server has crashed since' },
      { database: waiting?.database },
      { database: used?.database },
    ],
    refused: [],
  })
  const rebuilt = await after.ensure({ key: 'k', build })
  const [clone] = await after.clone(rebuilt)
  expect(rebuilt.built).toBe(true)
  expect(await query(clone?.url ?? '', 'select n from facts')).toEqual([{ n: 1 }])
  await after.close()
})

test('without a sweep, a template from before a crash is not used either; after an orderly restart it is', async () => {
  await using own = await ownServer(18)
  const server = siteOf(own.url)
  const build = sqlBuild('create unlogged table facts as select 1 as n')
  const use = async (): Promise<{ template: Template; recycled: boolean | undefined }> => {
    await using templates = await openTemplates(server)
    const template = await templates.ensure({ key: 'k', build })
    const [clone] = await templates.clone(template)
    expect(await query(clone?.url ?? '', 'select n from facts')).toEqual([{ n: 1 }])
    await clone?.release({ sessions: 1, clean: true })
    return { template, recycled: clone?.recycled }
  }
  const first = await use()
  await own.crashAndRestart()
  const second = await use()
  expect(second).toMatchObject({ template: { built: true }, recycled: false })
  expect(second.template.database).not.toBe(first.template.database)

  const pid = Number((await readFile(join(own.folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
  process.kill(pid, 'SIGINT') // a fast shutdown
  await until(async () => !(await readFile(join(own.folder, 'data', 'postmaster.pid')).catch(() => undefined)))
  await own.crashAndRestart() // it has ended in an orderly way; this only starts it
  expect(await use()).toMatchObject({ template: { database: second.template.database, built: false }, recycled: true })
})

test('a session that is ended by hand takes the leases with it, and the handle says so', async () => {
  const server = site(18)
  const templates = await server.open()
  const template = await templates.ensure({ key: 'k', build: sqlBuild(facts) })
  await server.admin(
    `select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1 and application_name like 'pg-template-db %'`,
    [server.registry],
  )
  await expect(templates.clone(template)).rejects.toMatchObject({ code: 'LEASE_LOST' })
})
