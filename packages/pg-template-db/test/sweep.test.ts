import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { inventory, majors, query, site, sqlBuild, type Site } from './support.js'

const longAgo = ({ admin, registry }: Site, database: string, days: number) =>
  admin(
    `update template_db.databases set last_used_at = now() - $2 * interval '1 day' where name = $1`,
    [database, days],
    registry,
  )

/** A template with a clone of each state that a handle can leave. */
async function filled(server: Site) {
  const templates = await server.open()
  const template = await templates.ensure({ key: 'k', build: sqlBuild('create table facts ()') })
  const [waiting, used] = await templates.clone(template, { count: 2 })
  await waiting?.release({ sessions: 0, clean: true })
  return { templates, template: template.database, waiting: waiting?.database ?? '', used: used?.database ?? '' }
}

/** As a killed process leaves it: no lease, and nothing released. */
async function abandon(server: Site) {
  await server.admin(
    `select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1 and application_name like 'pg-template-db %'`,
    [server.registry],
  )
}

describe.each(majors)('PostgreSQL %i', version => {
  test('drops what was not used for a week, and keeps what is in use', async () => {
    const server = site(version)
    const { templates, template, waiting, used } = await filled(server)
    for (const name of [template, waiting, used]) await longAgo(server, name, 8)

    expect(await templates.sweep()).toEqual({
      dropped: [{ database: waiting, kind: 'clone', key: 'k', why: 'unused for 7 days' }],
      refused: [],
    })
    expect(await templates.list()).toMatchObject([{ key: 'k', database: template, state: 'ready', leased: true }])
    await templates.close()

    const later = await server.open()
    expect(await later.list()).toMatchObject([{ database: template, leased: false, lastUsedAt: expect.any(Date) }])
    expect((await later.sweep({ unusedForDays: 9 })).dropped).toEqual([])
    expect((await later.sweep()).dropped).toMatchObject([{ database: template, kind: 'template' }])
    expect(await later.list()).toEqual([])
    expect((await inventory(server)).registered).toEqual([])
  })

  test('lists the sessions that hold on to what nobody leases, and no others', async () => {
    const server = site(version)
    const { templates, template, used } = await filled(server)
    const clone = new Client({
      connectionString: server.urlFor({ user: 'maker', database: used }),
      application_name: 'report.py',
    })
    clone.on('error', () => {})
    await clone.connect()
    expect(await templates.listStrays()).toEqual([])
    await abandon(server)
    const later = await server.open()
    const found = {
      database: used,
      role: 'maker',
      application: 'report.py',
      pid: expect.any(Number),
      since: expect.any(Date),
    }
    expect(await later.listStrays()).toEqual([found])
    await clone.end()
    expect((await later.sweep({ unusedForDays: 0 })).dropped.map(({ database }) => database)).toContain(template)
    expect(await later.listStrays()).toEqual([])
  })

  test('with a template go its clones, and what a dead process left', async () => {
    const server = site(version)
    const { template, waiting, used } = await filled(server)
    await abandon(server)
    await longAgo(server, template, 8)
    const later = await server.open()
    const report = await later.sweep()
    expect(report.refused).toEqual([])
    expect(report.dropped).toEqual([
      { database: template, kind: 'template', key: 'k', why: 'unused for 7 days' },
      { database: waiting, kind: 'clone', key: 'k', why: 'its template is gone' },
      {
        database: used,
        kind: 'clone',
        key: 'k',
        why: expect.stringMatching(`^left behind by process ${process.pid} on `),
      },
    ])
    const { databases, registered } = await inventory(server)
    expect(registered).toEqual([])
    for (const name of [template, waiting, used]) expect(databases).not.toContain(name)
  })

  test('a row that was written before a CREATE DATABASE that never came is forgotten', async () => {
    const server = site(version)
    const templates = await server.open()
    await server.admin(
      `insert into template_db.databases (name, kind, key, owner, state, comment, creator)
       values ('template_never_made', 'template', 'k', 'maker', 'creating', 'c', '{"pid": 1, "host": "h"}')`,
      [],
      server.registry,
    )
    expect(await templates.sweep()).toEqual({ dropped: [], refused: [] })
    expect((await inventory(server)).registered).toEqual([])
  })

  test('a CREATE DATABASE that was done when its process died is dropped, with comment or without', async () => {
    const server = site(version)
    const templates = await server.open()
    for (const [name, comment] of [
      ['bare', undefined],
      ['named', 'ours'],
    ] as const) {
      const database = `${name}_${server.registry}`
      await server.admin(
        `insert into template_db.databases (name, kind, key, owner, state, comment, creator)
         values ($1, 'template', 'k', 'maker', 'creating', 'ours', '{"pid": 1, "host": "h"}')`,
        [database],
        server.registry,
      )
      await query(server.url, `create database ${database}`)
      if (comment) await query(server.url, `comment on database ${database} is '${comment}'`)
      expect(await templates.sweep()).toMatchObject({ dropped: [{ database }], refused: [] })
      expect((await inventory(server)).databases).not.toContain(database)
    }
  })

  test('a DROP DATABASE that was interrupted is done again', async () => {
    const server = site(version)
    const { waiting, used } = await filled(server)
    await abandon(server)
    // What the server leaves in its catalog, https://www.postgresql.org/docs/current/catalog-pg-database.html
    await server.admin('update pg_database set datconnlimit = -2 where datname = any($1)', [[waiting, used]])
    const report = await (await server.open()).sweep()
    expect(report).toMatchObject({ dropped: [{ database: waiting }, { database: used }], refused: [] })
    expect((await inventory(server)).databases).not.toContain(waiting)
  })
})

describe('what is not provably ours is never dropped:', () => {
  const strangers: [string, (server: Site, database: string) => Promise<unknown>, RegExp][] = [
    [
      'another database of that name',
      async ({ admin, url }, database) => {
        await admin(`drop database ${database}`)
        await query(url, `create database ${database}`)
      },
      /its oid is \d+, and \d+ is registered/,
    ],
    ['another comment', ({ admin }, database) => admin(`comment on database ${database} is 'my precious'`), /comment/],
    [
      'another owner, where no oid was recorded yet',
      async ({ admin, registry }, database) => {
        await admin(
          `update template_db.databases set oid = null, state = 'creating' where name = $1`,
          [database],
          registry,
        )
        await admin(`alter database ${database} owner to postgres`)
      },
      /its owner is "postgres", and "maker" is registered/,
    ],
  ]
  test.each(strangers)('%s', async (_, makeStrange, reason) => {
    const server = site(18)
    const { used } = await filled(server)
    await abandon(server)
    await makeStrange(server, used)
    const templates = await server.open()
    for (let times = 0; times < 2; times++) {
      const report = await templates.sweep()
      expect(report.dropped).toEqual([])
      expect(report.refused).toMatchObject([{ database: used, reason: expect.stringMatching(reason) }])
    }
    expect((await inventory(server)).databases).toContain(used)
    // Somebody decides, and drops it by hand; then it is forgotten.
    await server.admin(`drop database ${used}`)
    expect(await templates.sweep()).toEqual({ dropped: [], refused: [] })
    expect((await inventory(server)).registered).not.toContain(used)
  })

  test('renamed by somebody who wants to keep it', async () => {
    const server = site(18)
    const { used } = await filled(server)
    await abandon(server)
    const kept = `kept_${server.registry}`
    await server.admin(`alter database ${used} rename to ${kept}`)
    const templates = await server.open()
    expect((await templates.sweep()).refused).toMatchObject([{ database: used, reason: `it was renamed to "${kept}"` }])
    expect((await inventory(server)).databases).toContain(kept)
  })

  test('a template of that key which is a stranger now: another one is built beside it', async () => {
    const server = site(18)
    const { template } = await filled(server)
    await abandon(server)
    await server.admin(`alter database ${template} is_template false`)
    await server.admin(`drop database ${template}`)
    await query(server.url, `create database ${template}`)
    const templates = await server.open()
    const built = await templates.ensure({ key: 'k', build: sqlBuild('create table facts ()') })
    expect(built.built).toBe(true)
    expect((await inventory(server)).databases).toContain(template)
    expect((await templates.sweep()).refused).toMatchObject([{ database: template }])
  })

  test('somebody looks at a finished template: it is not dropped over their head', async () => {
    const server = site(18)
    const { templates, template } = await filled(server)
    await templates.close()
    await longAgo(server, template, 8)
    await server.admin(`alter database ${template} allow_connections true`)
    const { Client } = await import('pg')
    const visitor = new Client(server.urlFor({ user: 'maker', database: template }))
    await visitor.connect()
    const later = await server.open()
    const report = await later.sweep()
    expect(report.refused).toMatchObject([{ database: template, reason: expect.stringContaining('being accessed') }])
    await visitor.query('select 1')
    await visitor.end()
    expect((await later.sweep()).dropped).toMatchObject([{ database: template }])
  })
})

test('days that are no number are refused', async () => {
  const templates = await site(18).open()
  await expect(templates.sweep({ unusedForDays: Number.NaN })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(templates.sweep({ unusedForDays: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})
