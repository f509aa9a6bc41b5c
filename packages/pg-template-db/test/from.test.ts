import { describe, expect, test, vi } from 'vitest'
import { inventory, majors, query, site, sqlBuild } from './support.js'

const facts = 'create table facts (id serial primary key, n int); insert into facts (n) values (1), (2)'

describe.each(majors)('PostgreSQL %i', version => {
  test('a template that begins as another one, with its rows, sequences, settings and grants', async () => {
    const server = site(version)
    const templates = await server.open()
    const base = await templates.ensure({
      key: 'base',
      build: async ({ database, url }) => {
        await query(url, facts)
        await query(url, `alter database ${database} set timezone to 'Asia/Tokyo'`)
        await query(url, `revoke all on database ${database} from public`)
      },
    })
    const build = vi.fn(sqlBuild('insert into facts (n) values (3)', 'more'))
    const larger = await templates.ensure({ key: 'larger', from: base, build })
    expect(larger).toMatchObject({ key: 'larger', built: true, details: 'more' })
    expect(larger.database).not.toBe(base.database)
    expect(await templates.ensure({ key: 'larger', from: base, build })).toEqual({
      ...larger,
      built: false,
      milliseconds: expect.any(Number),
    })
    expect(build).toHaveBeenCalledTimes(1)

    const [clone] = await templates.clone(larger)
    expect(await query(clone!.url, 'select id, n from facts order by id')).toEqual([
      { id: 1, n: 1 },
      { id: 2, n: 2 },
      { id: 3, n: 3 },
    ])
    expect(
      await query(clone!.url, `select nextval('facts_id_seq')::int as next, current_setting('timezone') as zone`),
    ).toEqual([{ next: 4, zone: 'Asia/Tokyo' }])
    const acl = await server.admin<{ acl: string }>(
      'select datname, datacl::text as acl from pg_database where datname = any($1)',
      [[base.database, larger.database, clone!.database]],
    )
    expect(new Set(acl.map(row => row.acl)).size).toBe(1)
    const [ofBase] = await templates.clone(base)
    expect(await query(ofBase!.url, 'select count(*)::int as facts from facts')).toEqual([{ facts: 2 }])
  })
})

test('a build that fails leaves nothing, and the one that it began as stays', async () => {
  const server = site(18)
  const templates = await server.open()
  const base = await templates.ensure({ key: 'base', build: sqlBuild(facts) })
  await expect(
    templates.ensure({ key: 'larger', from: base, build: sqlBuild('insert into nothing values (1)') }),
  ).rejects.toThrow('relation "nothing" does not exist')
  expect((await inventory(server)).registered).toEqual([base.database])
  const larger = await templates.ensure({ key: 'larger', from: base, build: sqlBuild('delete from facts') })
  expect(larger.built).toBe(true)
})

test('it needs the other one only while it is built', async () => {
  const server = site(18)
  const first = await server.open()
  const base = await first.ensure({ key: 'base', build: sqlBuild(facts) })
  const larger = await first.ensure({ key: 'larger', from: base, build: sqlBuild('select 1') })
  await first.close()
  const second = await server.open()
  await second.ensure({ key: 'larger', build: sqlBuild('select 1') })
  expect((await second.sweep({ unusedForDays: 0 })).dropped).toMatchObject([{ database: base.database }])
  const [clone] = await second.clone(larger)
  expect(await query(clone!.url, 'select count(*)::int as facts from facts')).toEqual([{ facts: 2 }])
})

test('one that this handle has not leased, or that is gone, is refused, and nothing is built', async () => {
  const server = site(18)
  const [templates, other] = [await server.open(), await server.open()]
  const build = vi.fn(sqlBuild('select 1'))
  const base = await other.ensure({ key: 'base', build: sqlBuild(facts) })
  await expect(templates.ensure({ key: 'k', from: base, build })).rejects.toMatchObject({ code: 'TEMPLATE_NOT_LEASED' })
  await templates.ensure({ key: 'base', build: sqlBuild(facts) })
  await server.admin(`alter database ${base.database} is_template false`)
  await server.admin(`drop database ${base.database}`)
  await expect(templates.ensure({ key: 'k', from: base, build })).rejects.toMatchObject({ code: 'TEMPLATE_GONE' })
  expect(build).not.toHaveBeenCalled()
  expect((await inventory(server)).registered).toEqual([base.database])
})
