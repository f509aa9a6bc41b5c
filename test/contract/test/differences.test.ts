import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { makeProject } from './support/project.js'

/** What the guide says: for each line of its table, what is seen under each isolation. */
const table = (() => {
  const guide = readFileSync(new URL('../../../docs/guide/isolation.md', import.meta.url), 'utf8')
  const [, section] = guide.split('## What can be told apart')
  const [, , ...rows] = section!
    .split('\n')
    .filter(line => line.startsWith('|'))
    .map(line => line.slice(1, -1).split('|'))
  return rows.map(cells => cells.map(cell => cell.trim().replaceAll('`', '')))
})()

const migration = `
  create type mood as enum ('glad');
  create table pair (id int primary key, other int references pair deferrable initially deferred);
  create procedure commits() language plpgsql as $$ begin commit; end $$`

/** Each \`saw\` is one line of the guide's table, in the words of the guide. */
const probes = `
  import pg from 'pg'
  import { db } from 'seedbed'
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4, allowExitOnIdle: true })
  const saw = (what, seen) => process.stdout.write('saw ' + JSON.stringify([what, seen]) + '\\n')
  const value = async (sql, on = db) => (await on.query({ text: sql, rowMode: 'array' })).rows[0][0]
  const code = promise => promise.then(() => undefined, error => error.code)
  const runs = async sql => ((await code(db.query(sql))) === undefined ? 'runs' : 'is refused')
  // The last of what is told shows that nothing more is to come before it.
  const heardUntil = (client, last) => new Promise(resolve => {
    const payloads = []
    client.on('notification', function take({ payload }) {
      payloads.push(payload)
      if (payload === last) resolve(payloads), client.off('notification', take)
    })
  })
  const schemas = "select count(*) from pg_namespace where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')"
  let kept

  test('sessions', async () => {
    const [one, two] = [await pool.connect(), await pool.connect()]
    saw('pg_backend_pid() of two connections', (await value('select pg_backend_pid()', one)) === (await value('select pg_backend_pid()', two)) ? 'the same' : 'two')
    saw('now() in the next statement', (await value('select now()::text')) === (await value('select now()::text')) ? 'stands still' : 'has moved')

    await one.query('begin')
    await one.query('update users set name = name where id = 1')
    const beside = await code(two.query('select count(*) from users'))
    const waited = beside === '55P03' ? 'one waits for the other' : 'each for itself'
    saw('two transactions at the same time', waited)
    await one.query('rollback')

    await one.query('select pg_advisory_lock(7)')
    saw('a lock of another session', (await value('select pg_try_advisory_lock(7)', two)) ? 'is not waited for' : 'is waited for')
    await two.query('select pg_advisory_unlock_all()')
    await one.query('select pg_advisory_unlock_all()')

    await one.query('listen news')
    const heard = heardUntil(one, 'end')
    await two.query("select pg_notify('news', 'x')")
    await two.query("notify news, 'end'")
    saw('pg_notify()', (await heard).includes('x') ? 'is heard' : 'is not heard')

    await one.query('begin')
    await one.query('insert into pair values (1, 2)')
    saw('an error at the COMMIT, by a deferred constraint', (await code(one.query('commit'))) === '23503' ? 'comes' : 'does not come')

    await one.query('create temporary table mine ()')
    await one.query("set application_name = 'mine'")
    two.release()
    one.release() // The pool hands out the last one first.
    kept = one
    await db.query("set application_name = 'mine'")
    await db.query("update users set name = 'Countess' where id = 1")
    saw.id = await value("insert into users (name) values ('new') returning id")
  })

  test('the one after it', async () => {
    saw('the id of the next test\\'s row', (await value("insert into users (name) values ('new') returning id")) === saw.id ? 'the same' : 'the next')
    const one = await pool.connect()
    expect(one).toBe(kept)
    saw('a temporary table of a pool\\'s connection, in the next test', (await value("select to_regclass('pg_temp.mine')", one)) === null ? 'is gone' : 'is there')
    saw('a SET of a pool\\'s connection, in the next test', (await value('show application_name', one)) === 'mine' ? 'stays' : 'is gone')
    saw('a SET on db, in the next test', (await value('show application_name')) === 'mine' ? 'stays' : 'is gone')
    await one.query('listen later')
    const heard = heardUntil(one, 'end')
    await db.query("notify news, 'y'")
    await db.query("notify later, 'end'")
    saw('a LISTEN of a pool\\'s connection, in the next test', (await heard).includes('y') ? 'goes on' : 'is gone')
    one.release()
    await db.query("delete from users where name = 'new'")
    const { rows } = await db.query('select id from users')
    saw('rows that a test before has updated, without ORDER BY', rows[0].id === 1 ? 'as in the seed' : 'behind the others')
  })

  test('the catalog', async () => {
    saw('current_database()', (await value('select current_database()')) === process.env.PGDATABASE ? 'as in the URL' : 'another')
    saw('schemas that are not the application\\'s', (await value(schemas)) === '0' ? 'none' : await value("select nspname from pg_namespace where nspname ~ '^seedbed'"))
    const trigger = await value("select count(*) from pg_trigger where tgrelid = 'users'::regclass and not tgisinternal")
    saw('triggers that are not the application\\'s', trigger === '0' ? 'none' : 'on each table')
    await db.query('alter table users add column age int')
  })

  test('DDL', async () => {
    const there = (await db.query('select * from users limit 0')).fields.some(field => field.name === 'age')
    const same = (await value('select current_database()')) === process.env.PGDATABASE
    saw('DDL of a test before', there ? 'is there' : same ? 'is undone' : 'is not there, since the database is another')
    saw('VACUUM', await runs('vacuum users'))
    saw('CREATE INDEX CONCURRENTLY', await runs('create index concurrently on users (name)'))
    saw('a procedure that commits', await runs('call commits()'))
    await db.query("alter type mood add value 'sad'")
    saw('a new value of an enum, used at once', await runs("select 'sad'::mood"))
  })`

test.each(['transaction', 'restore', 'database'])(
  'what the guide says of isolation %s is what is seen',
  async isolation => {
    await using project = await makeProject({
      'migrations/2_differences.sql': migration,
      'seedbed.config.json': JSON.stringify({ isolation }),
      'a.test.js': probes,
    })
    const { output, tests } = await project.run({ workers: 1 })
    expect(Object.values(tests).flat(), output).toEqual(['passed', 'passed', 'passed', 'passed'])
    const seen = new Map([...output.matchAll(/saw (\[.*\])/g)].map(([, line]) => JSON.parse(line!) as [string, string]))
    const column = ['transaction', 'restore', 'database'].indexOf(isolation) + 1
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(table.map(cells => [cells[0], cells[column]])))
  },
)
