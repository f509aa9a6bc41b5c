import { pathToFileURL } from 'node:url'
import { fileURLToPath } from 'node:url'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadSeed } from '../../src/seeds/load-seed.js'
import { database, project, type Project, refusal, type TestDatabase, texts } from './support.js'

const defineSeed = fileURLToPath(new URL('../../src/seeds/define-seed.ts', import.meta.url))

describe('loadSeed', () => {
  let server: PostgresForTests
  let db: TestDatabase
  let files: Project
  const count = async () => (await texts(db.client, 'select count(*) from users'))[0]![0]
  beforeAll(async () => {
    server = await startPostgres({ version: 15 })
    db = await database(
      server,
      `create table users (id serial primary key, name text unique, at timestamptz default now());
       create table posts (id serial primary key, author int references users deferrable initially deferred);
       insert into users (name) values ('there')`,
      'tester',
    )
    files = await project({
      'good.json':
        '{"posts": [{"author": 10}], "users": {"ada": {"id": 10, "name": "Ada"}, "bob": {"id": 11, "name": "Bob"}}}',
      'bad.json': '{"users": [{"name": "new"},\n {"name": "there"}]}',
      'dangling.json': '{"users": [{"name": "new"}],\n "posts": [{"author": 99}]}',
      'code.ts': `import { defineSeed } from ${JSON.stringify(defineSeed)}
        export default defineSeed(async ({ insert }) => ({ users: { eve: await insert('users', { name: 'Eve' }) } }))`,
      'rows.sql': 'select 1',
    })
  })
  afterAll(async () => {
    await files[Symbol.asyncDispose]()
    await db[Symbol.asyncDispose]()
    await server.stop()
  })

  test('adds a file and answers its labelled rows; a rollback takes them away', async () => {
    await db.client.query('begin')
    const added = await loadSeed(db.client, 'good.json', { folder: files.folder })
    const { rows } = await db.client.query('select * from users where id >= 10 order by id')
    expect(added).toEqual({ users: { ada: rows[0], bob: rows[1] } })
    expect(added.users!.ada!.at).toBeInstanceOf(Date)
    expect((await refusal(Promise.resolve().then(() => added.users!.adda))).code).toBe('SEED_UNKNOWN_LABEL')
    expect(await texts(db.client, `insert into users (name) values ('next') returning id`)).toEqual([['12']])
    await db.client.query('rollback')
    expect(await count()).toBe('1')
  })

  test('leaves nothing of a seed that is refused, and the transaction alive', async () => {
    await db.client.query('begin')
    await db.client.query(`insert into users (name) values ('mine')`)
    const refused = await refusal(
      loadSeed(db.client, pathToFileURL(`${files.folder}/bad.json`), { folder: files.folder }),
    )
    expect(refused.code).toBe('SEED_DUPLICATE_KEY')
    expect(refused.message).toMatch(/^bad\.json:2:11: /)
    expect(await count()).toBe('2')
    await db.client.query('rollback')
  })

  test('looks at deferred references of its rows, leaves them deferred, and does not mind those of the test', async () => {
    await db.client.query('begin')
    await db.client.query('insert into posts (author) values (50)')
    const refused = await refusal(loadSeed(db.client, 'dangling.json', { folder: files.folder }))
    expect(refused.message).toMatch(/^dangling\.json:2:23: .*author = 99/)
    expect(await count()).toBe('1')
    await loadSeed(db.client, 'good.json', { folder: files.folder })
    await db.client.query('insert into posts (author) values (51)')
    await db.client.query('rollback')
  })

  test('takes a seed in code; refuses SQL, and files that are not there', async () => {
    await db.client.query('begin')
    const { users } = await loadSeed(db.client, 'code.ts', { folder: files.folder })
    expect(users!.eve).toMatchObject({ name: 'Eve' })
    expect((await refusal(loadSeed(db.client, 'rows.sql', { folder: files.folder }))).code).toBe('SEED_SQL_IN_TEST')
    const missing = await refusal(loadSeed(db.client, 'none.json', { folder: files.folder }))
    expect(missing).toMatchObject({ code: 'SEEDS_NOT_FOUND', message: 'loadSeed: none.json does not exist.' })
    expect(missing).toHaveProperty('hint', expect.stringContaining('from the test file'))
    await db.client.query('rollback')
  })

  test('outside of a transaction is atomic all the same', async () => {
    expect((await refusal(loadSeed(db.client, 'bad.json', { folder: files.folder }))).code).toBe('SEED_DUPLICATE_KEY')
    expect(await count()).toBe('1')
    await loadSeed(db.client, 'good.json', { folder: files.folder })
    expect(await count()).toBe('3')
    await db.client.query('delete from posts; delete from users where id >= 10')
  })

  test('imports nothing heavy until it is called', async () => {
    const { execFileSync } = await import('node:child_process')
    const script = `
      await import(${JSON.stringify(new URL('../../dist/seeds/load-seed.js', import.meta.url).href)})
      const { createRequire } = await import('node:module')
      console.log(Object.keys(createRequire(import.meta.url).cache).filter(path => path.includes('node_modules')).length)`
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim()).toBe('0')
  })
})
