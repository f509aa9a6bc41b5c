import { expect, test } from 'vitest'
import { openTemplates } from '../src/index.js'
import { inventory, query, site, sqlBuild } from './support.js'

test('ten handles that open at once make one registry', async () => {
  const server = site(18)
  const handles = await Promise.all(Array.from({ length: 10 }, () => server.open()))
  expect(await Promise.all(handles.map(handle => handle.list()))).toEqual(handles.map(() => []))
  const rows = await server.admin('select version from template_db.format', [], server.registry)
  expect(rows).toEqual([{ version: 2 }])
})

test('a registry whose making was interrupted is finished', async () => {
  const server = site(18)
  await query(server.url, `create database ${server.registry}`)
  const templates = await server.open()
  expect(await templates.ensure({ key: 'k', build: sqlBuild('select 1') })).toMatchObject({ built: true })
})

test.each(['postgres', 'template1'])('%s, which is everybody’s, becomes no registry', async registry => {
  const server = site(18)
  const opening = openTemplates({ url: server.urlFor({ user: 'postgres', database: 'postgres' }), registry })
  await expect(opening).rejects.toMatchObject({ code: 'REGISTRY_NOT_OURS' })
  const schemas = await server.admin(`select from pg_namespace where nspname = 'template_db'`, [], registry)
  expect(schemas).toEqual([])
})

test('a database that is no registry is refused, and not touched', async () => {
  const server = site(18)
  await query(server.url, `create database ${server.registry}`)
  await query(server.urlFor({ user: 'maker', database: server.registry }), 'create table customers (id int)')
  await expect(server.open()).rejects.toMatchObject({
    code: 'REGISTRY_NOT_OURS',
    message: expect.stringMatching(/customers[^]*`registry`/),
  })
  const schemas = await server.admin(`select from pg_namespace where nspname = 'template_db'`, [], server.registry)
  expect(schemas).toEqual([])
})

test('a registry of another format is refused', async () => {
  const server = site(18)
  await (await server.open()).close()
  await server.admin('update template_db.format set version = 3', [], server.registry)
  await expect(server.open()).rejects.toMatchObject({ code: 'REGISTRY_FORMAT' })
})

test('a registry of the format before is brought up to date, whoever comes first', async () => {
  const server = site(18)
  const templates = await server.open()
  const template = await templates.ensure({ key: 'k', build: sqlBuild('create table facts ()') })
  await templates.close()
  await server.admin(
    `update template_db.format set version = 1;
     alter table template_db.databases drop constraint databases_kind_check,
       add constraint databases_kind_check check (kind in ('template', 'clone'))`,
    undefined,
    server.registry,
  )
  const handles = await Promise.all([1, 2, 3].map(() => server.open()))
  expect(await handles[0]!.ensure({ key: 'k', build: sqlBuild('') })).toMatchObject({
    built: false,
    database: template.database,
  })
  const [clone] = await handles[0]!.clone(template)
  expect((await clone!.keep({ label: 'x' })).database).toMatch(/^kept_x_/)
})

test("another role's registry is refused, and the way out is named", async () => {
  const server = site(18)
  await server.open()
  const other = `other_${server.registry}`
  await server.admin(`create role ${other} login createdb`)
  const url = server.urlFor({ user: other })
  const forbidden = { code: 'REGISTRY_FORBIDDEN', hint: expect.stringContaining('`registry`') }
  await expect(openTemplates({ url, registry: server.registry })).rejects.toMatchObject(forbidden)
  await server.admin(`grant connect on database ${server.registry} to ${other}`)
  await expect(openTemplates({ url, registry: server.registry })).rejects.toMatchObject(forbidden)
})

test('without CREATEDB, or membership in the owner, the missing right is named', async () => {
  const server = site(18)
  const poor = `poor_${server.registry}`
  await server.admin(`create role ${poor} login`)
  const refused = openTemplates({ url: server.urlFor({ user: poor }), registry: server.registry })
  await expect(refused).rejects.toMatchObject({
    code: 'CREATE_FAILED',
    hint: expect.stringContaining(`"${poor}" CREATEDB`),
  })

  const templates = await server.open({ owner: poor })
  await expect(templates.ensure({ key: 'k', build: sqlBuild('select 1') })).rejects.toMatchObject({
    code: 'CREATE_FAILED',
    hint: expect.stringContaining(`GRANT "${poor}" TO "maker"`),
  })
  expect((await inventory(server)).registered).toEqual([])
})

test('options that cannot be used, and servers that cannot be reached, are named without the password', async () => {
  const { url } = site(18)
  await expect(openTemplates({ url: 'localhost' })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(openTemplates({ url, registry: 'x'.repeat(64) })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(openTemplates({ url, copy: 'reflink' as 'wal_log' })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  const error: Error = await openTemplates({ url: 'postgresql://me:secret@localhost:1/db' }).then(
    () => expect.unreachable(),
    error => error,
  )
  expect(error).toMatchObject({
    code: 'CONNECTION_FAILED',
    message: expect.stringMatching(/localhost:1: .*ECONNREFUSED/),
  })
  expect(error.message).not.toContain('secret')
})

test('limits that the role has set for its sessions do not end a lease', async () => {
  const server = site(18)
  const hurried = `hurried_${server.registry}`
  await server.admin(`create role ${hurried} login createdb`)
  for (const setting of [
    `statement_timeout = 500`,
    `idle_session_timeout = 500`,
    `default_transaction_isolation = 'serializable'`,
    `default_transaction_read_only = on`,
  ]) {
    await server.admin(`alter role ${hurried} set ${setting}`)
  }
  await query(server.url, `create database ${server.registry}`)
  await server.admin(`alter database ${server.registry} owner to ${hurried}`)
  await using templates = await openTemplates({ url: server.urlFor({ user: hurried }), registry: server.registry })
  const template = await templates.ensure({ key: 'k', build: async () => null })
  const [clone] = await templates.clone(template)
  await new Promise(resolve => setTimeout(resolve, 700)) // what would have ended the session is a limit in time
  expect(await clone?.release({ sessions: 0, clean: true })).toEqual({ reusable: true })
})
