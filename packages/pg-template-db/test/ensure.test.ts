import { describe, expect, test, vi } from 'vitest'
import { Client } from 'pg'
import { TemplateError, type BuildWait } from '../src/index.js'
import { inventory, majors, query, site, sqlBuild, startProgram, withClient } from './support.js'

describe.each(majors)('PostgreSQL %i', version => {
  test('builds once, and from then on finds what was built', async () => {
    const { open, url } = site(version)
    const templates = await open()
    const build = vi.fn(sqlBuild('create table facts (n int); insert into facts values (7)', { labels: ['a', null] }))

    const first = await templates.ensure({ key: 'Shop: 1', build })
    const second = await templates.ensure({ key: 'Shop: 1', build })
    const elsewhere = await (await open()).ensure({ key: 'Shop: 1', build })

    expect(build).toHaveBeenCalledTimes(1)
    expect(build.mock.calls[0]?.[0]).toEqual({ database: first.database, url: expect.stringContaining(first.database) })
    expect(first).toMatchObject({ key: 'Shop: 1', built: true, details: { labels: ['a', null] }, sequences: [] })
    expect(second).toEqual({ ...first, built: false, milliseconds: expect.any(Number) })
    expect(elsewhere).toEqual({ ...first, built: false, milliseconds: expect.any(Number) })
    expect(first.database).toMatch(/^template_shop_1_[0-9a-f]{32}$/)
    // Nobody connects to a template, not even its owner.
    await expect(query(url.replace('/postgres', `/${first.database}`), 'select 1')).rejects.toMatchObject({
      code: '55000',
    })
  })

  test('eight processes on an empty server build one template, and seven show that they wait', async () => {
    const { url, registry, ...server } = site(version)
    const programs = Array.from({ length: 8 }, () =>
      startProgram('use', { url, registry, key: 'k', waitForLosers: 7, clones: 1 }),
    )
    const templates = await Promise.all(
      programs.map(program => program.event<{ built: boolean; database: string; details: { by: number } }>('template')),
    )
    expect(await Promise.all(programs.map(program => program.ended))).toEqual(Array.from({ length: 8 }, () => 0))

    const builders = programs.filter((_, index) => templates[index]?.built)
    expect(builders).toHaveLength(1)
    const builder = builders[0]?.process.pid
    expect(new Set(templates.map(template => template.database)).size).toBe(1)
    expect(templates.every(template => template.details.by === builder)).toBe(true)
    for (const program of programs.filter(({ process }) => process.pid !== builder)) {
      const wait = program.events.find(({ event }) => event === 'wait') as unknown as BuildWait
      expect(wait).toMatchObject({ key: 'k', holder: { pid: builder, host: expect.any(String) } })
    }
    const { databases, registered } = await inventory({ url, registry, ...server })
    for (const name of registered) expect(databases).toContain(name)
  })

  test('a build that fails: its error goes on as it is, and nothing stays', async () => {
    const { open, ...server } = site(version)
    const templates = await open()
    const failure = new Error('the third migration is broken')
    let database = ''
    const failing = templates.ensure({
      key: 'k',
      async build(target) {
        database = target.database
        await query(target.url, 'create table half_built ()')
        throw failure
      },
    })
    await expect(failing).rejects.toBe(failure)

    const left = await inventory({ open, ...server })
    expect(left.registered).toEqual([])
    expect(left.databases).not.toContain(database)
    const again = await templates.ensure({ key: 'k', build: sqlBuild('create table built ()') })
    expect(again.built).toBe(true)
  })

  test('a waiting process builds when the builder fails', async () => {
    const { open } = site(version)
    const waits: BuildWait[] = []
    const [one, other] = [await open(), await open({ onWait: wait => waits.push(wait) })]
    let second: Promise<unknown> | undefined
    const first = one.ensure({
      key: 'k',
      async build() {
        second = other.ensure({ key: 'k', build: sqlBuild('create table built ()', 'by the second') })
        await vi.waitUntil(() => waits.length > 0, { timeout: 30_000 })
        throw new Error('no')
      },
    })
    await expect(first).rejects.toThrow('no')
    expect(await second).toMatchObject({ built: true, details: 'by the second' })
    expect(waits[0]).toMatchObject({ key: 'k', holder: { pid: process.pid } })
  })

  test('a template that was dropped or spoiled by hand is built anew', async () => {
    const { open, admin } = site(version)
    const templates = await open()
    const build = vi.fn(sqlBuild('create table facts ()'))
    const first = await templates.ensure({ key: 'k', build })
    await admin(`alter database ${first.database} is_template false`)
    await admin(`drop database ${first.database}`)
    await expect(templates.clone(first)).rejects.toMatchObject({ code: 'TEMPLATE_GONE' })

    const second = await templates.ensure({ key: 'k', build })
    expect(second.built).toBe(true)
    // What an interrupted DROP DATABASE leaves.
    await admin('update pg_database set datconnlimit = -2 where datname = $1', [second.database])
    const third = await (await open()).ensure({ key: 'k', build })
    expect(third.built).toBe(true)
    expect(build).toHaveBeenCalledTimes(3)
    await expect(templates.clone(third)).rejects.toMatchObject({ code: 'TEMPLATE_NOT_LEASED' })
  })
})

test('a session that build() left open is named, and the template is not used', async () => {
  const { open, urlFor } = site(18)
  const templates = await open()
  let forgotten: Client | undefined
  const leaky = templates.ensure({
    key: 'k',
    async build({ database, url }) {
      forgotten = new Client({ connectionString: url, application_name: 'my-pool' })
      forgotten.on('error', () => {})
      await forgotten.connect()
      // Another role's: its state cannot be seen without more rights, but it can.
      await query(urlFor({ database }), 'create table facts ()')
    },
  })
  const error = await leaky.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(TemplateError)
  expect(error).toMatchObject({ code: 'BUILD_LEFT_SESSIONS', message: expect.stringContaining('my-pool') })
  // It was not ended by force: this program goes on, and could tell its user.
  await forgotten?.query('select 1')

  const again = await templates.ensure({ key: 'k', build: sqlBuild('create table facts ()') })
  expect(again.built).toBe(true)
  await forgotten?.end()
  expect((await templates.list()).map(({ database, state }) => [database, state])).toEqual([[again.database, 'ready']])
})

test('an owner that is another role owns template and clones, and shares none with other owners', async () => {
  const { open, admin, urlFor } = site(18)
  await admin(`create role app login; grant app to maker`)
  const templates = await open({ owner: 'app' })
  const build = vi.fn(async ({ database }: { database: string }) => {
    await query(urlFor({ user: 'app', database }), 'create table facts (id int generated always as identity)')
  })
  const template = await templates.ensure({ key: 'k', build })
  const [clone] = await templates.clone(template)
  const database = clone?.database ?? ''
  await withClient(urlFor({ user: 'app', database }), async client => {
    await client.query('begin; insert into facts default values; rollback')
  })
  expect(await clone?.release({ sessions: 1, clean: true })).toEqual({ reusable: true })
  const owners = await admin(
    'select distinct pg_get_userbyid(datdba) as owner from pg_database where datname = any($1)',
    [[template.database, database]],
  )
  expect(owners).toEqual([{ owner: 'app' }])

  const other = await (await open()).ensure({ key: 'k', build: sqlBuild('select 1') })
  expect(other.database).not.toBe(template.database)
  expect(await templates.sweep({ unusedForDays: 0 })).toMatchObject({ dropped: [{ database }], refused: [] })
})

test('sequences that the role may not set back are refused at the build', async () => {
  const { open, admin, urlFor } = site(18)
  await admin('create role elsewhere login')
  const templates = await open()
  const ensured = templates.ensure({
    key: 'k',
    async build({ database }) {
      await query(urlFor({ database }), 'create sequence strange; alter sequence strange owner to elsewhere')
    },
  })
  await expect(ensured).rejects.toMatchObject({ code: 'SEQUENCES_FORBIDDEN' })
  expect(await templates.list()).toEqual([])
})

test("sequences of an extension that is a superuser's are left alone", async () => {
  const { open, admin } = site(18)
  const templates = await open()
  const template = await templates.ensure({
    key: 'k',
    async build({ database, url }) {
      const sql =
        'create extension citext; create sequence of_extension; alter extension citext add sequence of_extension'
      await admin(sql, undefined, database)
      await query(url, 'create sequence own')
    },
  })
  expect(template.sequences.map(({ name }) => name)).toEqual(['own'])
})

test('an error of onWait ends the waiting', async () => {
  const { open } = site(18)
  const enough = new Error('waited long enough')
  const impatient = await open({
    onWait() {
      throw enough
    },
  })
  await (
    await open()
  ).ensure({
    key: 'k',
    async build() {
      await expect(impatient.ensure({ key: 'k', build: sqlBuild('select 1') })).rejects.toBe(enough)
    },
  })
  expect(await impatient.ensure({ key: 'k', build: sqlBuild('select 1') })).toMatchObject({ built: false })
})

test('authorize is asked before anything is made, and its error goes on', async () => {
  const { open, ...server } = site(18)
  const asked: string[] = []
  let refusal: Error | undefined
  const templates = await open({
    authorize(operation, database) {
      asked.push(`${operation} ${database}`)
      if (refusal) throw refusal
    },
  })
  expect(asked).toEqual([`create ${server.registry}`])
  refusal = new Error('not on this server')
  await expect(templates.ensure({ key: 'k', build: sqlBuild('select 1') })).rejects.toBe(refusal)
  expect(asked[1]).toMatch(/^create template_k_/)
  expect((await inventory({ open, ...server })).registered).toEqual([])

  refusal = undefined
  const template = await templates.ensure({ key: 'k', build: sqlBuild('select 1') })
  const [clone] = await templates.clone(template)
  refusal = new Error('keep that one')
  await expect(templates.clone(template)).rejects.toBe(refusal)
  await expect(clone?.release({ sessions: 0, clean: false })).rejects.toMatchObject({
    code: 'DROP_REFUSED',
    cause: refusal,
    message: expect.stringContaining('keep that one'),
  })
  expect(asked.at(-1)).toBe(`drop ${clone?.database}`)
  expect((await templates.sweep()).refused).toMatchObject([{ database: clone?.database, reason: 'keep that one' }])
  refusal = undefined
  expect((await templates.sweep()).dropped).toMatchObject([{ database: clone?.database }])
})

test('details that JSON cannot keep, and keys that cannot be stored, are refused', async () => {
  const { open, ...server } = site(18)
  const templates = await open()
  const build = async () => ({ big: 1n })
  await expect(templates.ensure({ key: 'k', build })).rejects.toMatchObject({ code: 'DETAILS_NOT_JSON' })
  expect((await inventory({ open, ...server })).registered).toEqual([])
  for (const key of ['', 'a\0b', 'ä'.repeat(501)]) {
    await expect(templates.ensure({ key, build })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  }
  const odd = { key: `ä"'\\; --${'x'.repeat(900)}`, build: async () => ({ text: `'"\\\0 ü` }) }
  const template = await templates.ensure(odd)
  expect(template.details).toEqual({ text: `'"\\\0 ü` })
  expect(await templates.ensure(odd)).toMatchObject({ built: false, details: { text: `'"\\\0 ü` } })
  const [clone] = await templates.clone(template)
  expect(Buffer.byteLength(template.database)).toBeLessThanOrEqual(63)
  expect(Buffer.byteLength(clone?.database ?? '')).toBeLessThanOrEqual(63)
  expect(await query(clone?.url ?? '', 'select current_database() as name')).toEqual([{ name: clone?.database }])
})
