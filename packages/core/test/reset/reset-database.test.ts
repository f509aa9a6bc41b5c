import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { startPostgres } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { expect, test, vi } from 'vitest'
import { listPreserved, preserve, prepare, resetDatabase } from '../../src/index.js'
import { catalogQuery } from '../../src/reset/catalog.js'
import { useProject } from '../run/support.js'

const project = useProject()

test('from a program: functions that do not change its variables, and may be called again', async () => {
  await using server = await startPostgres({ settings: { log_statement: 'all' } })
  const url = server.urlFor({ database: 'shop_test' })
  process.env.TEST_DATABASE_URL = url
  process.env.DATABASE_URL = 'postgresql://me@localhost/mine'
  await project.write({
    'package.json': '{ "name": "shop" }',
    'migrations/1.sql': 'create table users (id int generated always as identity primary key, name text)',
    'seeds/users.json': '{ "users": [{ "name": "Ada" }] }',
  })
  const { folder } = project
  const before = { ...process.env }
  await prepare({ folder, environment: 'test', workers: 1 })
  const client = new Client(url)
  await client.connect()
  await client.query("insert into users (name) values ('Eve'), ('Mallory')")

  const { kept } = await preserve({ folder, rows: { table: 'users', value: '2' } })
  expect(kept).toMatchObject([{ table: 'public.users', key: { id: '2' } }])
  // The log indents lines.
  const line = catalogQuery
    .split('\n')
    .find(each => each.includes('relispopulated'))!
    .trim()
  const looks = async () => (await server.log()).split(line).length
  for (const time of [1, 2]) {
    const before = await looks()
    const { tables } = await resetDatabase({ folder })
    // The database's catalog, and the template's; the second time neither.
    expect((await looks()) - before).toBe(time === 1 ? 2 : 0)
    expect(tables, `time ${time}`).toContainEqual({
      table: 'public.users',
      before: time === 1 ? 3 : 2,
      kept: 1,
      seeded: 1,
    })
    expect((await client.query('select name from users order by id')).rows).toEqual([{ name: 'Ada' }, { name: 'Eve' }])
  }
  expect((await listPreserved({ folder })).missing).toEqual([])
  await client.end()
  expect(process.env).toEqual(before)
})

test('a container’s user, who has no name, can mark rows', async () => {
  await using server = await startPostgres()
  process.env.TEST_DATABASE_URL = server.urlFor({ database: 'shop_test' })
  await project.write({
    'package.json': '{ "name": "shop" }',
    'migrations/1.sql': 'create table users (id int primary key)',
    'seeds/users.json': '{ "users": [{ "id": 1 }] }',
  })
  const { folder } = project
  await prepare({ folder, environment: 'test', workers: 1 })
  const nameless = vi.spyOn(os, 'userInfo').mockImplementation(() => {
    throw new Error('A system error occurred: uv_os_get_passwd returned ENOENT (no such file or directory)')
  })
  syncBuiltinESMExports()
  const { marks } = await preserve({ folder, rows: { table: 'users', value: '1' } }).finally(() => {
    nameless.mockRestore()
    syncBuiltinESMExports()
  })
  expect(marks).toMatchObject([{ markedBy: `uid ${process.getuid?.() ?? 'unknown'}@${os.hostname()}` }])
})
