import { fileURLToPath } from 'node:url'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { defineSeed } from '../../src/seeds/define-seed.js'
import { findSeeds } from '../../src/seeds/find-seeds.js'
import { loadSeeds } from '../../src/seeds/load-seeds.js'
import { readLabels } from '../../src/seeds/read-labels.js'
import { database, load, project, refusal, texts } from './support.js'

const defineSeedFile = fileURLToPath(new URL('../../src/seeds/define-seed.ts', import.meta.url))
/** A seed in TypeScript whose function's body this is. */
const seed = (body: string, head = '') =>
  `import { defineSeed } from ${JSON.stringify(defineSeedFile)}\n${head}\nexport default defineSeed(async ({ db, insert }) => {\n${body}\n})\n`

const schema = `
  create table users (id int generated always as identity primary key, name text not null unique, born timestamptz, upper text,
    raw bytea, big numeric, score float8, doc jsonb, tags text[], note text default 'none');
  create table posts (id serial primary key, author int not null references users, title text);
  create table keyless (note text);
  create function up() returns trigger language plpgsql as $$ begin
    update users set upper = upper(new.name) where id = new.id; return null; end $$;
  create trigger up after insert on users for each row execute function up();`

let server: PostgresForTests
beforeAll(async () => {
  server = await startPostgres({ version: 18 })
})
afterAll(() => server.stop())

describe('a seed in code', () => {
  test('inserts, is answered with rows as the database holds them, and labels them', async () => {
    await using db = await database(server, schema, 'coder')
    const labels = await load(db.client, {
      '1.json': { users: { given: { id: 1, name: 'Given' } } },
      '2.ts': seed(`
        const ada: Record<string, unknown> = await insert('users', { name: 'Ada', born: new Date(0) })
        const posts = await insert('posts', [{ author: ada.id, title: 'One' }, { author: ada.id }])
        const { rows } = await db.query('select count(*)::int as n from users where upper = $1', ['ADA'])
        const [k] = await insert('keyless', [{ note: rows[0].n + ' ' + ada.upper + ' ' + posts.map(post => post.id) }])
        await db.query("insert into users (name) values ('By SQL')")
        return { users: { ada, bySql: { id: 3 } }, posts: { one: posts[0] }, 'public.keyless': { k } }`),
      '3.json': { posts: [{ author: 2, title: 'Three' }] },
    })
    const seeds = readLabels(labels, pg.types.getTypeParser)
    expect(seeds.users!.ada).toMatchObject({ id: 2, name: 'Ada', upper: 'ADA', note: 'none', born: new Date(0) })
    expect(seeds.users!.bySql).toMatchObject({ id: 3, name: 'By SQL' })
    expect(seeds.users!.given).toMatchObject({ id: 1 })
    expect(seeds.posts).toEqual({ one: { id: 1, author: 2, title: 'One' } })
    expect(seeds.keyless).toEqual({ k: { note: '1 ADA 1,2' } })
    expect(await texts(db.client, 'select id, title from posts order by id')).toEqual([
      ['1', 'One'],
      ['2', null],
      ['3', 'Three'],
    ])
  })

  test('takes values of JavaScript exactly', async () => {
    await using db = await database(server, schema)
    await load(db.client, {
      'a.ts': seed(`
        class Money { toJSON() { return '12.50' } }
        await insert('users', { name: 'Ada', raw: Buffer.from([0, 255]), big: 12345678901234567890n, score: NaN,
          doc: { a: [1, undefined, 10n, new Money()], b: undefined }, tags: ['a', null, '"{}'], note: undefined })
        await insert('users', [{ name: 'Bob', raw: new Uint8Array([1]), score: -0, doc: 'text', note: null }])
        await insert('users', [])
        await insert('users', { name: 'Cleo', score: -Infinity, doc: [1], big: new Money() })`),
    })
    expect(await texts(db.client, 'select name, raw, big, score, doc, tags, note from users order by id')).toEqual([
      ['Ada', '\\x00ff', '12345678901234567890', 'NaN', '{"a": [1, null, 10, "12.50"]}', '{a,NULL,"\\"{}"}', 'none'],
      ['Bob', '\\x01', null, '-0', '"text"', null, null],
      ['Cleo', null, '12.50', '-Infinity', '[1]', null, 'none'],
    ])
  })

  test('may do several things at once, and catch an insert that is refused', async () => {
    await using db = await database(server, schema)
    await load(db.client, {
      'a.ts': seed(`
        const names = ['a', 'b', 'c', 'a']
        const results = await Promise.allSettled(names.map(name => insert('users', { name })))
        await db.query('select 1')
        await insert('keyless', results.map(({ status }) => ({ note: status })))`),
    })
    expect(await texts(db.client, 'select note from keyless')).toEqual([
      ['fulfilled'],
      ['fulfilled'],
      ['fulfilled'],
      ['rejected'],
    ])
    expect(await texts(db.client, 'select name from users')).toEqual([['a'], ['b'], ['c']])
  })

  test('has all that it sent in the database when it ends, awaited or not; nothing is sent afterwards', async () => {
    await using db = await database(server, schema)
    await using made = await project({
      'seeds/a.ts': seed(`
        void insert('keyless', { note: 'one' })
        void db.query("insert into keyless values ('two')")
        setTimeout(() => insert('keyless', { note: 'late' }).catch(error => { Object.assign(globalThis, { late: error }) }))`),
    })
    await loadSeeds(db.client, (await findSeeds(made.folder, {})).files, { projectFolder: made.folder })
    expect(await texts(db.client, 'select note from keyless')).toEqual([['one'], ['two']])
    await vi.waitFor(() => expect(globalThis).toHaveProperty('late.code', 'SEED_FAILED'))
    Reflect.deleteProperty(globalThis, 'late')
  })

  test('is refused with the line of the call', async () => {
    await using db = await database(server, schema)
    const refused = async (body: string) => {
      const { code, message } = await refusal(load(db.client, { 'a.ts': seed(body) }))
      expect(await texts(db.client, 'select count(*) from users')).toEqual([['0']])
      return `${code} ${message}`
    }
    expect(await refused(`await insert('users', { name: 'x' })\n\n  await insert('users', { nmae: 'y' })`)).toMatch(
      /^SEED_UNKNOWN_COLUMN seeds\/a\.ts:6: the table users has no column "nmae"\. Did you mean "name"\?/,
    )
    expect(await refused(`await insert('user', { name: 'x' })`)).toMatch(
      /^SEED_UNKNOWN_TABLE seeds\/a\.ts:4: .*"users"/,
    )
    expect(await refused(`await insert('users', [{ name: 'x' }, { name: 'y', born: 'soon' }])`)).toMatch(
      /^SEED_BAD_VALUE seeds\/a\.ts:4 \(row 2 of 2\): users\.born .*"soon"/,
    )
    expect(await refused(`await insert('users', [{ name: 'x' }, { name: 'y' }, { name: 'x' }])`)).toMatch(
      /^SEED_DUPLICATE_KEY seeds\/a\.ts:4 \(row 3 of 3\): .* at seeds\/a\.ts:4 \(row 1 of 3\)/,
    )
    expect(await refused(`await insert('posts', { author: 9 })`)).toMatch(/^SEED_MISSING_REFERENCE seeds\/a\.ts:4: /)
    expect(await refused(`await insert('users', { name: () => 'x' })`)).toMatch(
      /^SEED_BAD_VALUE seeds\/a\.ts:4: .*function/,
    )
    expect(await refused(`await insert('users', { name: 'x', born: new Date('soon') })`)).toMatch(
      /^SEED_BAD_VALUE .*invalid Date/,
    )
    expect(await refused(`await insert('users', [{ name: 'x' }, 'y' as never])`)).toMatch(
      /^SEED_WRONG_SHAPE seeds\/a\.ts:4 \(row 2 of 2\): .*found a string/,
    )
    expect(await refused(`\nawait db.query('select nothing')`)).toMatch(
      /^SEED_FAILED seeds\/a\.ts:5: the seed failed: .*"nothing" does not exist/,
    )
    expect(await refused(`await db.query('select nothing').catch(() => {})`)).toMatch(
      /^SEED_FAILED seeds\/a\.ts: .*the seed caught the error/,
    )
    expect(await refused(`throw new Error('oh no')`)).toMatch(
      /^SEED_FAILED seeds\/a\.ts: the seed failed: oh no \(line 4\)/,
    )
    expect(await refused(`await insert('users', { name: 'x' }); await db.query('rollback')`)).toMatch(
      /^SEED_ENDED_TRANSACTION seeds\/a\.ts /,
    )
    expect(await refused(`return { users: { ada: { id: 77 } } }`)).toMatch(/^SEED_ROW_LOST seeds\/a\.ts: .*"ada"/)
    expect(await refused(`return { users: { ada: { name: 'x' } } }`)).toMatch(
      /^SEED_LABEL_WITHOUT_ROW seeds\/a\.ts: .*"ada"/,
    )
    expect(await refused(`return { posts: { ada: await insert('users', { name: 'x' }) } }`)).toMatch(
      /^SEED_LABEL_WITHOUT_ROW /,
    )
    expect(await refused(`return { user: {} }`)).toMatch(/^SEED_UNKNOWN_TABLE seeds\/a\.ts: .*"users"/)
    expect(await refused(`return [1] as never`)).toMatch(/^SEED_NOT_A_SEED .*returns a list/)
  })

  test('that exports no seed, or does not load, is refused', async () => {
    await using db = await database(server, schema)
    const refused = (files: Record<string, string>) => refusal(load(db.client, files))
    expect(await refused({ 'a.ts': 'export const x = 1' })).toMatchObject({ code: 'SEED_NOT_A_SEED' })
    expect((await refused({ 'a.ts': 'export default async () => {}' })).message).toMatch(
      /seeds\/a\.ts exports a function/,
    )
    expect((await refused({ 'a.ts': "import './missing.js'\nexport default 1" })).code).toBe('SEED_FAILED')
    expect((await refused({ 'a.ts': 'export default {' })).code).toBe('SEED_FAILED')
  })

  test('may be JavaScript, ESM or CommonJS, and is loaded anew with what it imports when that has changed', async () => {
    await using db = await database(server, schema)
    const helper = (name: string) =>
      `import { again } from '../again.js'\nexport const name = (): string => '${name}' + again()\nexport const more = () => name`
    await using made = await project({
      'seeds/a.mjs': seed(`await insert('keyless', { note: name() })`, `import { name } from './lib/names.js'`),
      'seeds/b.cjs': `const { defineSeed } = require(${JSON.stringify(defineSeedFile)})\nmodule.exports = defineSeed(({ insert }) => insert('keyless', { note: 'cjs' }).then(() => {}))`,
      'seeds/lib/names.ts': helper('first'),
      // a circle of imports
      'seeds/again.js': `import { more } from './lib/names.js'\nexport const again = () => typeof more\nexport default undefined`,
    })
    const plan = await findSeeds(made.folder, { seeds: ['seeds/a.mjs', 'seeds/b.cjs'] })
    await loadSeeds(db.client, plan.files, { projectFolder: made.folder })
    await made.write({ 'seeds/lib/names.ts': helper('second') })
    await loadSeeds(db.client, plan.files, { projectFolder: made.folder })
    expect(await texts(db.client, 'select note from keyless')).toEqual([
      ['firstfunction'],
      ['cjs'],
      ['secondfunction'],
      ['cjs'],
    ])
  })

  test.each([
    ['a module', 'a.js', 'lib/n.js'],
    ['TypeScript', 'a.ts', 'lib/n.mjs'],
  ])('%s is loaded anew with the JavaScript that it imports, which Node keeps', async (_, file, lib) => {
    await using db = await database(server, schema)
    await using made = await project({
      'package.json': '{ "type": "module" }',
      [`seeds/${file}`]: seed(`await insert('keyless', { note: n })`, `import { n } from '../${lib}'`),
      [lib]: `export const n = 'first'`,
    })
    const load = async () => {
      const { files } = await findSeeds(made.folder, {})
      await loadSeeds(db.client, files, { projectFolder: made.folder })
    }
    await load()
    for (const name of ['second', 'third']) {
      await made.write({ [lib]: `export const n = '${name}'` })
      await load()
    }
    expect(await texts(db.client, 'select note from keyless')).toEqual([['first'], ['second'], ['third']])
    await made.write({
      [`seeds/${file}`]: seed(`await insert('keyless', {})`, `import { n } from '../${lib}'\nawait n`),
    })
    expect((await refusal(load())).message).toMatch(/awaits something outside of functions.*: start the runner again/)
  })
})

test('what a seed in code may return and insert is checked by TypeScript', () => {
  interface User {
    id: number
    name: string
  }
  const user: User = { id: 1, name: 'Ada' }
  defineSeed(async ({ db, insert }) => {
    const typed: User = await insert<User>('users', { name: 'Ada' })
    const several: User[] = await insert<User>('users', [user, { name: 'Bob' }])
    const untyped = await insert('users', { name: 'Cleo' })
    // @ts-expect-error -- what the database makes of a value is not known
    const id: number = untyped.id
    await insert('posts', { author: untyped.id })
    // @ts-expect-error -- a row is an object
    await insert('users', 'Ada')
    await db.query('select $1::int', [id])
    return { users: { ada: typed, bob: several[1]!, untyped, user } }
  })
  defineSeed(({ insert }) => insert('users', []).then(() => undefined))
  defineSeed(() => {})
  // @ts-expect-error -- labels stand under a table
  defineSeed(() => ({ ada: 1 }))
  // @ts-expect-error -- and name rows
  defineSeed(() => ({ users: { ada: 1 } }))
})
