import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import type { Clone, Templates } from '../src/index.js'
import { inventory, majors, query, site, sqlBuild, withClient, type Site } from './support.js'

const facts = `create table facts (id serial primary key, n int); insert into facts (n) values (1)`

/** A clone in which something was committed. */
async function written(server: Site): Promise<{ templates: Templates; clone: Clone; template: { database: string } }> {
  const templates = await server.open()
  const template = await templates.ensure({ key: 'k', build: sqlBuild(facts) })
  const [clone] = await templates.clone(template)
  await query(clone!.url, 'insert into facts (n) values (2)')
  return { templates, clone: clone!, template }
}

const ns = (url: string) => query(url, 'select id, n from facts order by id')

describe.each(majors)('PostgreSQL %i', version => {
  test('a copy is as the clone is now, and each goes its own way', async () => {
    const server = site(version)
    const { templates, clone, template } = await written(server)
    await query(clone.url, `alter database ${clone.database} set timezone to 'Asia/Tokyo'`)
    const copy = await clone.copy()
    expect(copy).toMatchObject({ recycled: false, url: expect.stringContaining(copy.database) })
    await query(copy.url, 'insert into facts (n) values (3)')
    expect(await ns(copy.url)).toEqual([
      { id: 1, n: 1 },
      { id: 2, n: 2 },
      { id: 3, n: 3 },
    ])
    expect(await query(copy.url, `select current_setting('timezone') as zone`)).toEqual([{ zone: 'Asia/Tokyo' }])
    expect(await ns(clone.url)).toHaveLength(2)
    const ofCopy = await copy.copy()
    expect(await ns(ofCopy.url)).toHaveLength(3)
    const [other] = await templates.clone(template)
    expect(await ns(other!.url)).toHaveLength(1)

    for (const { database } of [copy, ofCopy]) expect((await inventory(server)).registered).toContain(database)
    expect(await copy.release({ sessions: 3, clean: true })).toEqual({
      reusable: false,
      reason: 'it is a copy of another clone',
    })
    const { databases, registered } = await inventory(server)
    for (const names of [databases, registered]) expect(names).not.toContain(copy.database)
    await templates.close()
    expect((await inventory(server)).registered).toEqual([template.database])
  })
})

test('a clone that was copied is recycled as any other: nobody has been in it for that', async () => {
  const server = site(18)
  const templates = await server.open()
  const [clone] = await templates.clone(await templates.ensure({ key: 'k', build: sqlBuild(facts) }))
  await clone!.copy()
  expect(await clone!.release({ sessions: 0, clean: true })).toEqual({ reusable: true })
})

test('a session that is just closing is waited for; one that stays is named', async () => {
  const server = site(18)
  const { clone } = await written(server)
  const closing = new Client(clone.url)
  await closing.connect()
  const [copy] = await Promise.all([clone.copy(), closing.end()])
  expect(await ns(copy.url)).toHaveLength(2)

  await withClient(clone.url, async client => {
    await client.query(`set application_name = 'forgotten'`)
    const { registered } = await inventory(server)
    await expect(clone.copy()).rejects.toMatchObject({
      code: 'COPY_REFUSED',
      message: expect.stringMatching(/somebody is in it: process \d+ of role maker, application "forgotten", idle\n/),
    })
    expect((await inventory(server)).registered).toEqual(registered)
    expect((await client.query('select count(*)::int as facts from facts')).rows).toEqual([{ facts: 2 }])
  })
})

test('one in which a transaction is prepared, that was given back, or that is gone, cannot be copied', async () => {
  const server = site(18)
  const { templates, clone, template } = await written(server)
  await query(clone.url, `begin; insert into facts (n) values (3); prepare transaction '${clone.database}'`)
  await expect(clone.copy()).rejects.toMatchObject({
    code: 'COPY_REFUSED',
    message: expect.stringContaining('prepared transaction'),
  })
  await clone.release({ sessions: 2, clean: false })
  await expect(clone.copy()).rejects.toMatchObject({
    code: 'COPY_REFUSED',
    message: expect.stringContaining('given back'),
  })

  const [gone] = await templates.clone(template)
  await server.admin(`drop database ${gone!.database}`)
  await expect(gone!.copy()).rejects.toMatchObject({
    code: 'COPY_REFUSED',
    message: expect.stringContaining('dropped or renamed'),
  })
})

test('a copy can be kept, and one whose process is gone is swept', async () => {
  const server = site(18)
  const { templates, clone } = await written(server)
  const kept = await (await clone.copy()).keep({ label: 'a copy' })
  expect(await ns(kept.url)).toHaveLength(2)
  const copy = await clone.copy()
  // What a process that is killed loses: the session with its leases.
  const left = await server.open()
  await server.admin(
    `select pg_terminate_backend(pid, 10000) from pg_locks where locktype = 'advisory' and classid = 1 and granted
       and objid = (select id from template_db.databases where name = $1)
       and database = (select oid from pg_database where datname = current_database())`,
    [copy.database],
    server.registry,
  )
  await expect(copy.copy()).rejects.toMatchObject({ code: 'LEASE_LOST' })
  expect((await left.sweep()).dropped.map(({ database }) => database)).toContain(copy.database)
  await templates.close()
})
