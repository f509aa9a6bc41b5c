import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reportLines } from '../../src/run/report-lines.js'
import type { RunHandle } from '../../src/run/run-handle.js'
import { startRun } from '../../src/run/start-run.js'
import { query } from '../server/support.js'
import { useProject } from './support.js'

const project = useProject()
beforeEach(() =>
  project.write({
    'migrations/1.sql': 'create table users (id int generated always as identity primary key, name text)',
    'seeds/users.json': '{ "users": { "ada": { "name": "Ada" } } }',
  }),
)

describe('on the embedded server', () => {
  test('a second run builds nothing and clones nothing', async () => {
    const first = await startRun({ folder: project.folder, slots: 2 })
    expect(JSON.parse(JSON.stringify(first.handle))).toEqual(first.handle)
    expect(await query(first.handle.workers[0]!.url, 'select name from users')).toEqual([{ name: 'Ada' }])
    const report = await first.close()
    expect(report).toMatchObject({
      origin: 'initialised',
      templateBuilt: 'the first of this project',
      databases: { cloned: 2, recycled: 0 },
      sessions: 0,
    })
    // The session above was not declared by any worker.
    expect(report.dropped).toHaveLength(1)
    expect(existsSync(first.handle.folder)).toBe(false)

    const second = await startRun({ folder: project.folder, slots: 2 })
    expect(await second.close()).toMatchObject({
      origin: 'started',
      templateBuilt: null,
      databases: { cloned: 1, recycled: 1 },
      dropped: [],
    })
    const third = await startRun({ folder: project.folder, slots: 2 })
    expect(await third.close()).toMatchObject({ databases: { cloned: 0, recycled: 2 }, dropped: [] })
  })

  test('what has changed is told from the template that was used last, not from the one that was built last', async () => {
    const built = async () => (await (await startRun({ folder: project.folder, slots: 1 })).close()).templateBuilt
    expect(await built()).toBe('the first of this project')
    await project.write({ 'seeds/more.json': '{ "users": [{ "name": "Eve" }] }' })
    expect(await built()).toBe('seeds/more.json is new')
    rmSync(join(project.folder, 'seeds/more.json'))
    expect(await built()).toBe(null)
    await project.write({ 'migrations/2.sql': 'create table posts ()' })
    expect(await built()).toBe('migrations/2.sql is new')
  })

  test('runs at the same time share the server and never a database', async () => {
    const progress: string[] = []
    const runs = await Promise.all(
      [1, 2, 3].map(() => startRun({ folder: project.folder, slots: 2, progress: line => progress.push(line) })),
    )
    const databases = runs.flatMap(run => run.handle.workers.map(({ database }) => database))
    expect(new Set(databases).size).toBe(6)
    const reports = await Promise.all(runs.map(run => run.close()))
    expect(reports.filter(({ templateBuilt }) => templateBuilt !== null)).toHaveLength(1)
    expect(reports.filter(({ origin }) => origin === 'initialised')).toHaveLength(1)
    expect(progress.filter(line => line.startsWith('building the template'))).toHaveLength(1)
  })

  test('a changed seed builds another template, and says what changed', async () => {
    await (await startRun({ folder: project.folder, slots: 1 })).close()
    await project.write({ 'seeds/users.json': '{ "users": [] }' })
    const progress: string[] = []
    const run = await startRun({ folder: project.folder, slots: 1, progress: line => progress.push(line) })
    expect(progress.join('\n')).toMatch(
      /building the template from migrations\/ \(1 \.sql file\) and seeds\/ \(1 file\) \(seeds\/users\.json changed\)/,
    )
    expect(reportLines(await run.close()).join('\n')).toContain('seeds/users.json changed')
  })

  test('refresh gives new databases of a new template, and survives a seed that is broken meanwhile', async () => {
    await using run = await startRun({ folder: project.folder, slots: 1 })
    await project.write({ 'seeds/users.json': '{ "users": [' })
    expect(await run.refresh()).toMatchObject({ failure: expect.stringContaining('SEED_BROKEN_JSON') })
    await project.write({ 'seeds/users.json': '{ "users": [{ "name": "Grace" }] }' })
    const handle = (await run.refresh()) as RunHandle
    expect(handle.id).not.toBe(run.handle.id)
    expect(await query(handle.workers[0]!.url, 'select name from users')).toEqual([{ name: 'Grace' }])
  })

  test('what changes while it is refreshed is in it, for both who ask', async () => {
    let hear: (line: string) => void = () => {}
    await using run = await startRun({ folder: project.folder, slots: 1, progress: line => hear(line) })
    const seedWith = (name: string) =>
      writeFileSync(join(project.folder, 'seeds/users.json'), JSON.stringify({ users: [{ name }] }))
    let second: ReturnType<typeof run.refresh> | undefined
    hear = line => {
      if (second || !line.includes('seeds/users.json changed')) return
      seedWith('Mary')
      second = run.refresh()
    }
    seedWith('Grace')
    const handle = (await run.refresh()) as RunHandle
    expect(await second).toBe(handle)
    expect(await query(handle.workers[0]!.url, 'select name from users')).toEqual([{ name: 'Mary' }])
  })

  test('tests that still run keep their databases, and closing waits for a refresh', async () => {
    const run = await startRun({ folder: project.folder, slots: 1 })
    let end = () => {}
    const refreshed = run.refresh(new Promise<void>(resolve => (end = resolve)))
    expect(await query(run.handle.workers[0]!.url, 'select name from users')).toEqual([{ name: 'Ada' }])
    expect(existsSync(run.handle.folder)).toBe(true)
    end()
    const handle = (await refreshed) as RunHandle
    expect(existsSync(run.handle.folder)).toBe(false)
    await project.write({ 'seeds/users.json': '{ "users": [{ "name": "Grace" }] }' })
    const last = run.refresh()
    expect(await run.close()).toMatchObject({ templateBuilt: 'seeds/users.json changed' })
    for (const each of [handle, (await last) as RunHandle]) expect(existsSync(each.folder)).toBe(false)
  })

  test('a set-up that fails leaves nothing behind: no run folder, no half-built template, no server', async () => {
    await project.write({ 'migrations/2.sql': 'alter table missing add x int' })
    const runFolders = async () => (await readdir('/tmp')).filter(name => name.includes(`-${process.pid}-`))
    const before = await runFolders()
    await expect(startRun({ folder: project.folder, slots: 1 })).rejects.toMatchObject({ code: 'SQL_FAILED' })
    expect(await runFolders()).toEqual(before)
    await rm(join(project.folder, 'migrations/2.sql'))
    const run = await startRun({ folder: project.folder, slots: 1 })
    const databases = await query(
      run.handle.workers[0]!.url,
      'select datname from pg_database where not datistemplate order by datname',
    )
    expect(databases.map(({ datname }) => datname)).toEqual(
      expect.arrayContaining(['postgres', 'seedbed_registry', run.handle.workers[0]!.database]),
    )
    expect(databases).toHaveLength(3)
    expect(await run.close()).toMatchObject({ origin: 'started' })
  })

  test('eight processes that start at once on an empty cache: one cluster, one template, all pass', async () => {
    const script = fileURLToPath(new URL('./one-run.mjs', import.meta.url))
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const child = spawn(process.execPath, [script, project.folder], { stdio: ['ignore', 'pipe', 'inherit'] })
        let output = ''
        child.stdout.setEncoding('utf8').on('data', chunk => (output += chunk))
        const [exitCode] = await once(child, 'close')
        expect(exitCode).toBe(0)
        return JSON.parse(output) as { origin: string; templateBuilt: string | null; rows: unknown }
      }),
    )
    expect(outcomes.filter(({ origin }) => origin === 'initialised')).toHaveLength(1)
    expect(outcomes.filter(({ templateBuilt }) => templateBuilt !== null)).toHaveLength(1)
    for (const { rows } of outcomes) expect(rows).toEqual([{ id: 1, name: 'Ada' }])
  })

  test('roles that a migration creates are there again when the template is built a second time', async () => {
    await project.write({
      'migrations/2.sql': 'create role seedbed_reporting; grant select on users to seedbed_reporting',
    })
    await (await startRun({ folder: project.folder, slots: 1 })).close()
    await project.write({ 'migrations/3.sql': 'alter table users add email text' })
    const run = await startRun({ folder: project.folder, slots: 1 })
    const [rights] = await query(
      run.handle.workers[0]!.url,
      `select has_table_privilege('seedbed_reporting', 'users', 'select') as may,
         (select rolcreaterole from pg_roles where rolname = current_user) as createrole`,
    )
    expect(rights).toEqual({ may: true, createrole: false })
    await run.close()
  })

  test('what a migration sets for its role holds in the databases of its template, and in no other', async () => {
    const settings = (url: string) =>
      query(url, "select current_setting('search_path') as path, current_setting('DateStyle') as style")
    const table = 'create schema app; create table app.users (id int, name text)'
    const path =
      "alter role current_user set search_path = app, public; alter role current_user set datestyle = 'German, DMY'"
    await project.write({ 'migrations/1.sql': `${table}; ${path}`, 'migrations/2.sql': 'select * from users' })
    const first = await startRun({ folder: project.folder, slots: 1 })
    expect(await settings(first.handle.workers[0]!.url)).toEqual([{ path: 'app, public', style: 'German, DMY' }])
    // As a test that commits may do.
    await query(first.handle.workers[0]!.url, 'alter role current_user set search_path = nowhere')
    await first.close()
    const again = await startRun({ folder: project.folder, slots: 1 })
    expect(await settings(again.handle.workers[0]!.url)).toEqual([{ path: 'app, public', style: 'German, DMY' }])
    expect(await again.close()).toMatchObject({ templateBuilt: null })
    await project.write({
      'migrations/1.sql': table,
      'migrations/2.sql': '',
      'seeds/users.json': '{ "app.users": [] }',
    })
    await using other = await startRun({ folder: project.folder, slots: 1 })
    expect(await settings(other.handle.workers[0]!.url)).toEqual([{ path: '"$user", public', style: 'ISO, MDY' }])
  })

  test('an extension that the server does not have is named', async () => {
    await project.write({ 'seedbed.config.json': '{ "extensions": ["postgis"] }' })
    await expect(startRun({ folder: project.folder, slots: 1 })).rejects.toMatchObject({
      code: 'EXTENSION_UNAVAILABLE',
    })
  })
})

describe('on an external server', () => {
  let server: PostgresForTests
  beforeEach(async () => {
    server = await startPostgres({ version: 15 })
    await query(server.url, "create role tester login createdb password 'x'")
    process.env.TEST_DATABASE_URL = server.urlFor({ user: 'tester', password: 'x', database: 'postgres' })
  })
  afterEach(() => server.stop())

  test('a role with CREATEDB and no more is enough', async () => {
    for (const databases of [
      { cloned: 2, recycled: 0 },
      { cloned: 0, recycled: 2 },
    ]) {
      const run = await startRun({ folder: project.folder, slots: 2 })
      expect(await run.close()).toMatchObject({
        server: expect.stringContaining('PostgreSQL 15'),
        origin: 'attached',
        databases,
      })
    }
  })

  test('DATABASE_URL alone is never used', async () => {
    process.env.DATABASE_URL = process.env.TEST_DATABASE_URL!
    delete process.env.TEST_DATABASE_URL
    const run = await startRun({ folder: project.folder, slots: 1 })
    expect((await run.close()).server).toContain('embedded')
    expect(await query(server.url, "select from pg_database where datname like 'seedbed%'")).toEqual([])
  })
})
