import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isRoot, openInChild, query, until } from '../../../../packages/core/test/server/support.js'
import { startRun } from '../../../../packages/core/src/run/start-run.js'
import { withDatabase } from '../../../../packages/core/src/server/database-url.js'
import { openServer } from '../../../../packages/core/src/server/open-server.js'
import type { Server } from '../../../../packages/core/src/server/server.js'
import { containerProject, docker, images, type ContainerProject } from './docker.js'

const [newest = '', oldest = ''] = images

let project: ContainerProject
let progress: string[]
beforeEach(async () => {
  project = await containerProject()
  progress = []
})
afterEach(() => project[Symbol.asyncDispose]())

const configFor = (options: { image?: string; reuse?: boolean } = {}) => ({
  server: { container: { image: newest, ...options } },
})

const open = (options?: Parameters<typeof configFor>[0]): Promise<Server> =>
  openServer({
    projectFolder: project.folder,
    config: configFor(options),
    home: project.home,
    progress: line => progress.push(line),
  })

const openElsewhere = (options?: Parameters<typeof configFor>[0]) =>
  openInChild({ project: project.folder, home: project.home, config: configFor(options) })

test.each(images)('%s: started, attached to, removed by the last one out', async image => {
  const first = await open({ image })
  const major = /postgres:(\d+)/.exec(image)?.[1] ?? ''
  expect(first).toMatchObject({ kind: 'container', origin: 'initialised', copy: 'file_copy' })
  expect(first.version).toMatch(new RegExp(`^${major}\\.\\d+$`))
  expect(first.description).toBe(`PostgreSQL ${first.version} in a container of ${image}`)
  const second = await open({ image })
  expect(second).toMatchObject({ origin: 'attached', adminUrl: first.adminUrl, applicationUrl: first.applicationUrl })
  expect(await project.containers()).toHaveLength(1)

  await Promise.all([first[Symbol.asyncDispose](), first[Symbol.asyncDispose]()])
  expect(await query(second.applicationUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  await second[Symbol.asyncDispose]()
  expect(await project.containers()).toEqual([])
})

test.each(images)('%s: the settings, order and memory of the embedded server, where it can have them', async image => {
  await using server = await open({ image })
  const settings = await query<{ name: string; setting: string }>(
    server.adminUrl,
    `select name, setting from pg_settings where name in ('fsync', 'max_connections', 'max_locks_per_transaction',
       'synchronous_commit', 'full_page_writes', 'synchronize_seqscans', 'TimeZone', 'log_line_prefix') order by name`,
  )
  expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
    TimeZone: 'UTC',
    fsync: 'off',
    full_page_writes: 'off',
    log_line_prefix: '%m [%p] %d ',
    max_connections: '300',
    max_locks_per_transaction: '256',
    synchronize_seqscans: 'off',
    synchronous_commit: 'off',
  })
  const sorted = `select string_agg(word, ' ' order by word) as words from (values ('b'), ('A'), ('a'), ('B'), ('é')) as list (word)`
  expect(await query(server.applicationUrl, sorted)).toEqual([{ words: 'A B a b é' }])
  expect(await query(server.applicationUrl, `select upper('é') as upper`)).toEqual([{ upper: 'É' }])
  const [container = ''] = await project.containers()
  expect(await docker('exec', container, 'df', '--output=fstype', '/var/lib/seedbed/data')).toContain('tmpfs')
})

test('the port is on loopback, and nobody comes in without the password', async () => {
  await using server = await open()
  const [container = ''] = await project.containers()
  const ports = JSON.parse(await docker('inspect', '--format', '{{json .NetworkSettings.Ports}}', container))
  expect(ports).toEqual({ '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: new URL(server.adminUrl).port }] })

  const without = new URL(server.adminUrl)
  without.password = ''
  await expect(query(without.href, 'select 1')).rejects.toThrow(/password/)
  without.password = 'postgres'
  await expect(query(without.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  const rules = await query<{ auth_method: string }>(
    server.adminUrl,
    'select distinct auth_method from pg_hba_file_rules',
  )
  expect(rules).toEqual([{ auth_method: 'scram-sha-256' }])
})

test.skipIf(!isRoot)(
  'for a process in a container, the port is on the bridge alone (only root can pose as one)',
  async () => {
    const gateway = await docker('network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}')
    const run = openInChild({
      project: project.folder,
      home: project.home,
      config: configFor(),
      env: { TESTCONTAINERS_HOST_OVERRIDE: gateway },
      // Another host name than the engine's, as in a container.
      through: ['unshare', '--uts', 'sh', '-c', 'hostname job-4711 && exec "$@"', 'sh'],
    })
    const { adminUrl } = await run.opened
    const { hostname, port } = new URL(adminUrl)
    expect(hostname).toBe(gateway)
    const [container = ''] = await project.containers()
    const ports = JSON.parse(await docker('inspect', '--format', '{{json .NetworkSettings.Ports}}', container))
    expect(ports).toEqual({ '5432/tcp': [{ HostIp: gateway, HostPort: port }] })
    await run.close()
  },
)

test("the application's role is an ordinary one, and databases are copied by file", async () => {
  await using server = await open()
  expect(
    await query(
      server.applicationUrl,
      'select rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication from pg_roles where rolname = current_user',
    ),
  ).toEqual([{ rolsuper: false, rolcreatedb: false, rolcreaterole: false, rolbypassrls: false, rolreplication: false }])
  await expect(query(server.applicationUrl, 'create database mine')).rejects.toMatchObject({ code: '42501' })
  const owner = new URL(server.applicationUrl).username
  await query(server.adminUrl, `create database copy template template1 strategy file_copy owner ${owner}`)
  await query(withDatabase(server.applicationUrl, 'copy'), 'create schema app create table users ()')
})

test('six processes that start at once share one container, which goes with the last of them', async () => {
  const runs = Array.from({ length: 6 }, () => openElsewhere())
  const opened = await Promise.all(runs.map(run => run.opened))
  expect(opened.map(({ origin }) => origin).toSorted()).toEqual([...Array(5).fill('attached'), 'initialised'])
  expect(new Set(opened.map(({ adminUrl }) => adminUrl)).size).toBe(1)
  expect(await project.containers()).toHaveLength(1)
  const [last, ...others] = runs
  await Promise.all(others.map(run => run.close()))
  expect(await project.containers()).toHaveLength(1)
  await last?.close()
  expect(await project.containers()).toEqual([])
})

test('with reuse a second run starts none and finds what the first has made; a run without it removes the container', async () => {
  const first = openElsewhere({ reuse: true })
  const { origin, adminUrl } = await first.opened
  expect(origin).toBe('initialised')
  await query(adminUrl, 'create database made_by_the_first')
  await first.close()
  const containers = await project.containers()
  expect(containers).toHaveLength(1)

  const second = await open({ reuse: true })
  expect(second).toMatchObject({ origin: 'attached', adminUrl })
  expect(progress).toEqual([])
  expect(await query(withDatabase(second.adminUrl, 'made_by_the_first'), 'select 1 as one')).toEqual([{ one: 1 }])
  await second[Symbol.asyncDispose]()
  expect(await project.containers()).toEqual(containers)

  const third = await open()
  expect(third.origin).toBe('attached')
  await third[Symbol.asyncDispose]()
  expect(await project.containers()).toEqual([])
})

test('a killed run keeps no container from being removed by the others', async () => {
  const killed = openElsewhere()
  await killed.opened
  await using server = await open()
  expect(server.origin).toBe('attached')
  await killed.kill()
  await server[Symbol.asyncDispose]()
  expect(await project.containers()).toEqual([])
})

test('what a killed run has left is used and removed by the next', async () => {
  const killed = openElsewhere()
  await killed.opened
  const containers = await project.containers()
  await killed.kill()
  expect(await project.containers()).toEqual(containers)
  const next = await open()
  expect(next.origin).toBe('attached')
  await next[Symbol.asyncDispose]()
  expect(await project.containers()).toEqual([])
})

test('a run that is killed while its container starts leaves nothing that harms the next', async () => {
  for (const state of ['created', 'running']) {
    const killed = openElsewhere()
    const isThere = async () => {
      const states = await docker(
        'ps',
        '--all',
        '--format',
        '{{.State}}',
        '--filter',
        `label=dev.seedbed.folder=${project.folder}`,
      )
      return states === state || undefined
    }
    await Promise.race([until(isThere), killed.opened])
    await killed.kill()
    const next = await open()
    expect(await query(next.applicationUrl, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(await project.containers()).toHaveLength(1)
    await next[Symbol.asyncDispose]()
    expect(await project.containers()).toEqual([])
  }
})

test('a container that was stopped, and so has lost its data, is replaced', async () => {
  const first = await open({ reuse: true })
  await first[Symbol.asyncDispose]()
  const [stopped = ''] = await project.containers()
  await docker('kill', stopped)
  await using next = await open()
  expect(next.origin).toBe('initialised')
  expect(progress).toContain(`removing the container ${stopped}, which nobody uses`)
  expect(await project.containers()).not.toContain(stopped)
})

test.skipIf(!oldest)('a container of another image is removed, but not while a run uses it', async () => {
  const other = openElsewhere({ image: oldest })
  await other.opened
  const [otherContainer = ''] = await project.containers()
  const first = await open()
  expect(first.origin).toBe('initialised')
  expect(await project.containers()).toHaveLength(2)
  await first[Symbol.asyncDispose]()
  expect(await project.containers()).toEqual([otherContainer])

  await other.kill()
  const second = await open()
  expect(second.origin).toBe('initialised')
  expect(await project.containers()).toHaveLength(1)
  expect(await project.containers()).not.toContain(otherContainer)
  await second[Symbol.asyncDispose]()
})

test('a server one of whose backends was killed goes with the last run all the same', async () => {
  const server = await open()
  const killItself = "copy (select) to program 'kill -9 $PPID'"
  await expect(query(server.adminUrl, killItself)).rejects.toThrow('terminated')
  await server[Symbol.asyncDispose]()
  expect(await project.containers()).toEqual([])
})

test('a container that is removed under a run does not keep the run from ending, nor the next from starting', async () => {
  const first = await open()
  const [container = ''] = await project.containers()
  await docker('rm', '--force', container)
  await first[Symbol.asyncDispose]()
  await using next = await open()
  expect(next.origin).toBe('initialised')
})

test('a run with template and worker databases, and no volume left behind', async () => {
  const volumes = await docker('volume', 'ls', '--quiet')
  await writeFile(join(project.folder, 'package.json'), '{ "name": "shop", "type": "module" }')
  await writeFile(join(project.folder, 'schema.sql'), 'create table users (id int primary key, name text)')
  await writeFile(
    join(project.folder, 'seedbed.config.mjs'),
    `export default { server: { container: { image: '${newest}' } }, seeds: 'users.json' }`,
  )
  await writeFile(join(project.folder, 'users.json'), '{ "users": [{ "id": 1, "name": "Ada" }] }')
  process.env.SEEDBED_HOME = project.home
  try {
    const run = await startRun({ folder: project.folder, slots: 2 })
    expect(await project.containers()).toHaveLength(1)
    expect(run.handle.workers).toHaveLength(2)
    for (const { url } of run.handle.workers) {
      expect(await query(url, 'select name from users')).toEqual([{ name: 'Ada' }])
    }
    const { server } = await run.close()
    expect(server).toContain(`in a container of ${newest}`)
  } finally {
    delete process.env.SEEDBED_HOME
  }
  expect(await project.containers()).toEqual([])
  expect(await docker('volume', 'ls', '--quiet')).toBe(volumes)
})
