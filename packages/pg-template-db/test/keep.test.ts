import { describe, expect, test } from 'vitest'
import { inventory, majors, query, site, sqlBuild, withClient, type Site } from './support.js'

/** A clone with a row of its own, which is kept. */
async function keepOne(server: Site, label = 'users.test.ts > renames') {
  const templates = await server.open()
  const template = await templates.ensure({ key: 'k', build: sqlBuild('create table facts (fact text)') })
  const [clone] = await templates.clone(template)
  await query(clone!.url, "insert into facts values ('seen')")
  const kept = await clone!.keep({ label, details: { test: 'renames' } })
  return { templates, template, clone: clone!, kept }
}

const age = ({ admin, registry }: Site, database: string, days: number) =>
  admin(
    `update template_db.databases set last_used_at = now() - $2 * interval '1 day' where name = $1`,
    [database, days],
    registry,
  )

describe.each(majors)('PostgreSQL %i', version => {
  test('a clone that is kept has a name for people, and nobody gets or drops it', async () => {
    const server = site(version)
    const { templates, template, clone, kept } = await keepOne(server)
    expect(kept.database).toMatch(/^kept_users_test_ts_renames_[0-9a-f]{8}$/)
    expect(await query(kept.url, 'select fact from facts')).toEqual([{ fact: 'seen' }])
    expect(await templates.listKept()).toEqual([
      { database: kept.database, details: { test: 'renames' }, keptAt: expect.any(Date) },
    ])
    const [other] = await templates.clone(template)
    expect(other!.recycled).toBe(false)
    expect(await clone.release({ sessions: 1, clean: true })).toEqual({ reusable: false, reason: 'it is kept' })
    await templates.close()

    const later = await server.open()
    expect(await later.sweep({ unusedForDays: 0 })).toMatchObject({
      dropped: [{ database: template.database }],
      refused: [],
    })
    expect(await query(kept.url, 'select fact from facts')).toEqual([{ fact: 'seen' }])
    // A template of the same key that is built anew clears away what is left of the one before.
    await later.ensure({ key: 'k', build: sqlBuild('create table facts (fact text)') })
    expect((await later.listKept()).map(({ database }) => database)).toEqual([kept.database])
  })

  test('a sweep drops it after seven days, but not while somebody is in it', async () => {
    const server = site(version)
    const { templates, kept } = await keepOne(server)
    await age(server, kept.database, 6.9)
    expect(await templates.sweep()).toEqual({ dropped: [], refused: [] })
    await age(server, kept.database, 7.1)
    await withClient(kept.url, async client => {
      expect((await templates.sweep()).refused).toMatchObject([
        { database: kept.database, reason: expect.stringContaining('being accessed') },
      ])
      expect((await client.query('select fact from facts')).rows).toEqual([{ fact: 'seen' }])
    })
    expect(await templates.listKept()).toHaveLength(1)
    expect((await templates.sweep()).dropped).toEqual([
      { database: kept.database, kind: 'kept', key: 'k', why: 'kept for 7 days' },
    ])
    expect((await inventory(server)).databases).not.toContain(kept.database)
  })
})

test('dropKept drops it at once, but not while somebody is in it, and nothing else', async () => {
  const server = site(18)
  const { templates, template, kept } = await keepOne(server)
  await withClient(kept.url, async () => {
    await expect(templates.dropKept(kept.database)).rejects.toMatchObject({ code: 'DROP_REFUSED' })
  })
  await templates.dropKept(kept.database)
  expect(await templates.listKept()).toEqual([])
  expect((await inventory(server)).databases).not.toContain(kept.database)
  for (const stranger of [kept.database, template.database, 'postgres']) {
    await expect(templates.dropKept(stranger)).rejects.toMatchObject({ code: 'NOT_KEPT' })
  }
})

test('a comment of somebody else, or another database of its name, is not dropped', async () => {
  const server = site(18)
  const { templates, kept } = await keepOne(server)
  await server.admin(`comment on database ${kept.database} is 'my precious'`)
  await expect(templates.dropKept(kept.database)).rejects.toMatchObject({ message: expect.stringContaining('comment') })
  await server.admin(`drop database ${kept.database}`)
  await query(server.url, `create database ${kept.database}`)
  await expect(templates.dropKept(kept.database)).rejects.toMatchObject({ message: expect.stringContaining('oid') })
})

test('a crash of the server after it was kept changes nothing', async () => {
  const server = site(18)
  const { templates, kept } = await keepOne(server)
  // What recovery does: https://www.postgresql.org/docs/current/sql-createtable.html, UNLOGGED
  await server.admin('truncate template_db.since_crash', [], server.registry)
  expect((await templates.sweep()).dropped.map(({ database }) => database)).not.toContain(kept.database)
  expect(await templates.listKept()).toHaveLength(1)
})

test('one that somebody is in, or that was given back, cannot be kept, and is as it was', async () => {
  const server = site(18)
  const templates = await server.open()
  const template = await templates.ensure({ key: 'k', build: sqlBuild('select 1') })
  const [clone] = await templates.clone(template)
  await withClient(clone!.url, async () => {
    await expect(clone!.keep({ label: 'x' })).rejects.toMatchObject({
      code: 'KEEP_FAILED',
      message: expect.stringContaining('being accessed'),
    })
  })
  expect(await templates.listKept()).toEqual([])
  expect(await clone!.release({ sessions: 1, clean: true })).toEqual({ reusable: true })
  await expect(clone!.keep({ label: 'x' })).rejects.toMatchObject({ code: 'KEEP_FAILED' })
})

test.each([
  ['', /^kept_[0-9a-f]{8}$/],
  ['x'.repeat(200), /^kept_x{49}_[0-9a-f]{8}$/],
  ['"; drop database postgres; -- Zürich', /^kept_drop_database_postgres_z_rich_[0-9a-f]{8}$/],
])('any label makes a name that PostgreSQL keeps whole: %s', async (label, name) => {
  const { kept } = await keepOne(site(18), label)
  expect(kept.database).toMatch(name)
  expect(Buffer.byteLength(kept.database)).toBeLessThanOrEqual(63)
  expect(await query(kept.url, 'select current_database() as name')).toEqual([{ name: kept.database }])
})
