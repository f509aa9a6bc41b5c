import { startPostgres } from '@seedbed/postgres-for-tests'
import { expect, test } from 'vitest'
import { openTemplates } from '../src/index.js'
import { inventory, majors, query, site, siteOf, sqlBuild, until, withClient } from './support.js'

test('a clone that cannot be dropped says why, and is kept account of', async () => {
  const server = site(18)
  const templates = await server.open()
  const template = await templates.ensure({ key: 'k', build: sqlBuild('create table facts (n int)') })
  const [clone] = await templates.clone(template)
  // maker may not end a superuser's session.
  await withClient(server.urlFor({ database: clone!.database }), async () => {
    await expect(clone!.release({ sessions: 0, clean: true })).rejects.toMatchObject({
      code: 'DROP_REFUSED',
      message: expect.stringContaining('permission denied to terminate process'),
    })
    expect(await templates.sweep()).toMatchObject({ dropped: [], refused: [{ database: clone!.database }] })
  })
  await until(
    async () => (await server.admin('select from pg_stat_activity where datname = $1', [clone!.database])).length === 0,
  )
  expect(await templates.sweep()).toMatchObject({ dropped: [{ database: clone!.database }], refused: [] })
})

test.each(majors)('a clone in which autovacuum is at work is dropped all the same, on PostgreSQL %i', async version => {
  await using own = await startPostgres({ version, settings: { autovacuum_naptime: '1s' } })
  await query(own.url, 'create role maker login createdb')
  const server = siteOf(own.url)
  await using templates = await openTemplates(server)
  const slow = 'autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 1'
  const template = await templates.ensure({ key: 'k', build: sqlBuild(`create table big (n int) with (${slow})`) })
  const [clone] = await templates.clone(template)
  await query(clone!.url, 'insert into big select generate_series(1, 200000); delete from big')
  const atWork = "select from pg_stat_activity where datname = $1 and backend_type = 'autovacuum worker'"
  await until(async () => (await server.admin(atWork, [clone!.database])).length > 0)
  expect(await clone!.release({ sessions: 1, clean: false })).toEqual({ reusable: false, reason: 'it is not clean' })
  expect((await inventory(server)).registered).toEqual([template.database])
})
