import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addPreservedRows } from '../../src/preserve/add-preserved-rows.js'
import { keysAfter } from '../../src/preserve/keys-after.js'
import { createMarks } from '../../src/preserve/marks.js'
import { readPreservedRows } from '../../src/preserve/preserved-rows.js'
import { readLabels } from '../../src/seeds/read-labels.js'
import { database, load } from '../seeds/support.js'

const users = 'create table users (id int generated always as identity primary key, name text, email text unique)'
const labelled = { users: { ada: { name: 'Ada', email: 'ada@x' }, grace: { name: 'Grace', email: 'grace@x' } } }

describe.each([15, 18] as const)('preserved rows beside the seeds on PostgreSQL %i', version => {
  let server: PostgresForTests
  beforeAll(async () => {
    server = await startPostgres({ version })
  })
  afterAll(() => server.stop())

  /** What tests see: labels, and the rows of `users`, of a test database in which something was written and marked. */
  async function inTests(schema: string, seeds: object, written: string, marks: [table: string, key: object][]) {
    await using tests = await database(server, `${schema}; create schema seedbed; ${written}`, 'owner')
    await createMarks(tests.client as Parameters<typeof createMarks>[0])
    for (const [table, key] of marks) {
      await tests.client.query(`insert into seedbed.preserved (relation, key, marked_by) values ($1, $2, 'a test')`, [
        table,
        key,
      ])
    }
    const preserved = await readPreservedRows(tests.url)
    await using template = await database(server, schema, 'owner')
    const { client } = template
    await client.query("set datestyle = 'SQL, DMY'")
    const labels = await load(client, { 'a.json': seeds }, async () =>
      keysAfter(await addPreservedRows(client, preserved!)),
    )
    const { rows } = await client.query<object>('select * from users order by id')
    return { labels: readLabels(labels, pg.types.getTypeParser), rows }
  }

  test('a label is the row that is there: with its key, or with its unique value', async () => {
    const written = `insert into users (name, email) values ('A.', 'a@x');
      insert into users overriding system value values (10, 'G.', 'grace@x')`
    const marks: [string, object][] = [
      ['public.users', { id: '1' }],
      ['public.users', { id: '10' }],
    ]
    const { labels, rows } = await inTests(users, labelled, written, marks)
    const [ada, grace] = [
      { id: 1, name: 'A.', email: 'a@x' },
      { id: 10, name: 'G.', email: 'grace@x' },
    ]
    expect(rows).toEqual([ada, grace])
    expect({ ...labels.users }).toEqual({ ada, grace })
  })

  test('a key that is a date, several columns, or none at all', async () => {
    const schema = `${users}; create table days (day date, n int, title text unique, primary key (day, n)); create table notes (text text unique, n int);
      create table log (id int primary key, text text references notes (text))`
    const { labels } = await inTests(
      schema,
      {
        ...labelled,
        days: { party: { day: '2026-02-13', n: 1, title: 'party' } },
        notes: { one: { text: 'one', n: 1 }, two: { text: 'two', n: 2 } },
      },
      "insert into days values ('2026-03-14', 2, 'party'); insert into notes values ('two', 22); insert into log values (1, 'two')",
      [
        ['public.days', { day: '2026-03-14', n: '2' }],
        ['public.log', { id: '1' }],
      ],
    )
    expect(labels.days!.party).toMatchObject({ n: 2, title: 'party' })
    expect({ ...labels.notes }).toEqual({ one: { text: 'one', n: 1 }, two: { text: 'two', n: 22 } })
    expect(labels.users!.ada).toMatchObject({ name: 'Ada' })
  })

  test('in a partition', async () => {
    const schema = `${users}; create table parts (a int, b int, c text, primary key (a, b), unique (a, c)) partition by range (a);
      create table parts1 partition of parts for values from (0) to (9)`
    const { labels } = await inTests(
      schema,
      { parts: { first: { a: 1, b: 1, c: 'x' } } },
      "insert into parts values (1, 2, 'x')",
      [['public.parts', { a: '1', b: '2' }]],
    )
    expect(labels.parts!.first).toEqual({ a: 1, b: 2, c: 'x' })
  })

  test.each(['', 'on delete cascade', 'on delete set null'])(
    'rows of the seeds that refer to one that would give way are not taken along, nor changed: %s',
    async action => {
      await expect(
        inTests(
          `${users}; create table orders (id int primary key, user_id int references users ${action})`,
          { ...labelled, orders: [{ id: 1, user_id: 2 }] },
          "insert into users overriding system value values (10, 'G.', 'grace@x')",
          [['public.users', { id: '10' }]],
        ),
      ).rejects.toThrow(
        /^Rows of public\.orders would break orders_user_id_fkey: they refer to public\.users \(id=2\), which gives way/,
      )
    },
  )

  test('what only the server can compare is refused by name', async () => {
    await expect(
      inTests(
        `${users}; create unique index one on users (lower(name))`,
        labelled,
        "insert into users overriding system value values (10, 'GRACE', 'g@x')",
        [['public.users', { id: '10' }]],
      ),
    ).rejects.toMatchObject({
      code: 'PRESERVE_BREAKS_SEEDS',
      message: expect.stringContaining('would break one') as string,
    })
  })
})
