import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { database, load, refusal, type TestDatabase, texts } from './support.js'

const schema = `
  create schema sales;
  create domain positive as int check (value > 0);
  create domain named as text not null;
  create type address as (street text, town varchar(4));
  create type mood as enum ('sad', 'happy');
  create table users (
    id int primary key generated always as identity,
    email text not null unique,
    born date,
    age positive,
    alias named default 'x',
    mood mood,
    home address,
    tags text[],
    doc jsonb,
    note varchar(3),
    amount numeric(4,2),
    upper_email text generated always as (upper(email)) stored,
    constraint adult check (age is null or age >= 18),
    constraint moody check (mood is null or note is null)
  );
  create unique index users_lower on users (lower(email));
  create table sales.orders (id int primary key, "user" int not null references users, next int references sales.orders);
  create table sales.lines (ord int references sales.orders, no int, primary key (ord, no));
  create table booking (room int, during int4range, exclude using gist (during with &&));
  create table parted (id int, year int) partition by range (year);
  create table parted_2024 partition of parted for values from (2024) to (2025);
  create table counted (id serial primary key, note text);
  create view active as select * from users;
  create table guarded (id int, total int);
  create function guard() returns trigger language plpgsql as
    $$ begin if new.total < 0 then raise exception 'no debts, not even %', new.total using hint = 'pay first'; end if; return new; end $$;
  create trigger guard before insert on guarded for each row execute function guard();
  create table odd (id int, inverse int generated always as (10 / id) stored);
  create table "order by" (a int, b int);
  create table "Zoo" (); create table zoo (); create table ant (); create table "Ant" ();
  insert into users (email) values ('taken@example.com');`

interface Refused {
  /** ▶ stands at the place that the error names first, and ▷ at another that it names. */
  seed: string
  code: string
  /** Of the message. */
  says?: RegExp
  hints?: RegExp
}

const cases: Record<string, Refused> = {
  'an unknown table': {
    seed: '{\n  ▶"user": []\n}',
    code: 'SEED_UNKNOWN_TABLE',
    says: /no table "user"\. Did you mean "users"\?/,
  },
  'a table in other capitals': { seed: '{▶"Users": []}', code: 'SEED_UNKNOWN_TABLE', says: /mean "users"/ },
  'a table in other capitals than each of two': {
    seed: '{▶"ZOO": []}',
    code: 'SEED_UNKNOWN_TABLE',
    says: /mean "zoo"/,
  },
  'and in the other order': { seed: '{▶"ANT": []}', code: 'SEED_UNKNOWN_TABLE', says: /mean "ant"/ },
  'a table of another schema': { seed: '{▶"orders": []}', code: 'SEED_UNKNOWN_TABLE', says: /mean "sales\.orders"/ },
  'a misspelt schema': { seed: '{▶"sale.orders": []}', code: 'SEED_UNKNOWN_TABLE', says: /mean "sales\.orders"/ },
  'a table that is like no other': { seed: '{▶"zebra": []}', code: 'SEED_UNKNOWN_TABLE', says: /"zebra"\.$/ },
  'a view': { seed: '{▶"active": []}', code: 'SEED_NOT_A_TABLE', says: /is a view/ },
  'an unknown column': {
    seed: '{"users": [\n  {"email": "a@b"},\n  {▶"emial": "a@b", "born": null}\n]}',
    code: 'SEED_UNKNOWN_COLUMN',
    says: /users has no column "emial"\. Did you mean "email"\?/,
    hints: /columns are id, email, born/,
  },
  'a generated column, even with null': {
    seed: '{"users": [{"email": "x", ▶"upper_email": null}]}',
    code: 'SEED_GENERATED_COLUMN',
  },
  'a value that is no date': {
    seed: '{"users": {\n "ada": {"email": "a", "born": "1815-12-10"},\n "bob": {"email": "😀",  "born": ▶"1815-13-10"}\n}}',
    code: 'SEED_BAD_VALUE',
    says: /users\.born \(date\) does not take "1815-13-10": date\/time field value out of range/,
  },
  'a string for a number': { seed: '{"sales.orders": [{"id": ▶"one"}]}', code: 'SEED_BAD_VALUE', says: /integer/ },
  'a number that is too large': {
    seed: '{"sales.orders": [{"id": ▶3000000000}]}',
    code: 'SEED_BAD_VALUE',
    says: /out of range/,
  },
  'a number that overflows its scale': {
    seed: '{"users": [{"email": "a", "amount": ▶123.4}]}',
    code: 'SEED_BAD_VALUE',
    says: /overflow/,
  },
  'a string that is too long': {
    seed: '{"users": [{"email": "a", "note": ▶"long"}]}',
    code: 'SEED_BAD_VALUE',
    says: /too long/,
  },
  'an unknown enum value': {
    seed: '{"users": [{"email": "a", "mood": ▶"glad"}]}',
    code: 'SEED_BAD_VALUE',
    says: /mood/,
  },
  'an object for an array': {
    seed: '{"users": [{"email": "a", "tags": ▶{"x": 1}}]}',
    code: 'SEED_BAD_VALUE',
    says: /array/,
  },
  'a ragged array': { seed: '{"users": [{"email": "a", "tags": ▶[["a"],["b","c"]]}]}', code: 'SEED_BAD_VALUE' },
  'a broken domain': { seed: '{"users": [{"email": "a", "age": ▶0}]}', code: 'SEED_BAD_VALUE', says: /positive/ },
  'null for a domain that is not null': {
    seed: '{"users": [{"email": "a"}, {"email": "b", "alias": ▶null}]}',
    code: 'SEED_BAD_VALUE',
    says: /null/,
  },
  'a part of a composite value': {
    seed: '{"users": [{"email": "a", "home": ▶{"town": "London"}}]}',
    code: 'SEED_BAD_VALUE',
    says: /too long/,
  },
  'an unknown field of a composite value': {
    seed: '{"users": [{"email": "a", "home": {"street": "x", ▶"twon": "Bern"}}]}',
    code: 'SEED_UNKNOWN_FIELD',
    says: /address of users\.home has no field "twon"\. Did you mean "town"\?/,
  },
  'a NUL in a text': { seed: '{"users": [{"email": ▶"a\\u0000b"}]}', code: 'SEED_BAD_VALUE', says: /"a\\u0000b"/ },
  'a NUL in jsonb': { seed: '{"users": [{"email": "a", "doc": ▶{"a": "\\u0000"}}]}', code: 'SEED_BAD_VALUE' },
  'half a surrogate pair': { seed: '{"users": [{"email": ▶"\\ud83d"}]}', code: 'SEED_BAD_VALUE', says: /surrogate/i },
  'null where there must be a value': {
    seed: '{"users": [{"email": "a"}, {"email": ▶null}]}',
    code: 'SEED_NULL_VALUE',
    says: /NOT NULL, and the row gives it null/,
  },
  'a left out value that must be there': {
    seed: '{"users": [{"email": "a"},\n   ▶{"born": null}]}',
    code: 'SEED_NULL_VALUE',
    says: /users\.email is NOT NULL and has no default/,
  },
  'a broken check of one column': {
    seed: '{"users": [{"email": "a", "age": ▶17}]}',
    code: 'SEED_CHECK_VIOLATED',
    says: /adult/,
  },
  'a broken check of several columns': {
    seed: '{"users": [{"email": "a", "note": "x", "mood": ▶"sad"}]}',
    code: 'SEED_CHECK_VIOLATED',
    says: /moody/,
  },
  'a row that no partition takes': {
    seed: '{"parted": [{"id": 1, "year": 2024}, ▶{"id": 2, "year": 2030}]}',
    code: 'SEED_CHECK_VIOLATED',
  },
  'a key that stands twice': {
    seed: '{"users": [\n {"id": ▷5, "email": "a"},\n {"id": 6, "email": "b"},\n {"email": "c", "id": ▶5}\n]}',
    code: 'SEED_DUPLICATE_KEY',
    says: /\(id = 5\)/,
  },
  'a key of several columns': {
    seed: '{"users": [{"id": 7, "email": "a"}], "sales.orders": [{"id": 1, "user": 7}], "sales.lines": [{"ord": ▷1, "no": 1}, {"no": 2, "ord": 1}, {"no": 1, "ord": ▶1}]}',
    code: 'SEED_DUPLICATE_KEY',
    says: /\(ord = 1, no = 1\)/,
  },
  'a key that an index computes': {
    seed: '{"users": [\n▷{"email": "A"},\n{"email": "b"},\n▶{"email": "a"}]}',
    code: 'SEED_DUPLICATE_KEY',
  },
  'a key that was there before': {
    seed: '{"users": [{"email": "b"}, {"email": ▶"taken@example.com"}]}',
    code: 'SEED_DUPLICATE_KEY',
    says: /which was there before this seed \(email = "taken@example\.com"\)/,
  },
  'a key that a sequence gave': {
    seed: '{"counted": [{"id": 1}, ▶{"note": "b"}]}',
    code: 'SEED_DUPLICATE_KEY',
    hints: /leaves id to its sequence/,
  },
  'an overlap': {
    seed: '{"booking": [{"room": 1, "during": ▷"[1,3)"}, {"during": "[5,6)"}, {"during": ▶"[2,4)"}]}',
    code: 'SEED_DUPLICATE_KEY',
  },
  'a missing reference': {
    seed: '{"sales.orders": [\n  {"id": 1, "user": 1},\n  {"id": 2, "user": ▶99}\n]}',
    code: 'SEED_MISSING_REFERENCE',
    says: /sales\.orders refers to a row that is not there: user = 99, but users has no row with id = 99/,
  },
  'a missing reference to the table itself': {
    seed: '{"sales.orders": [{"id": 1, "user": 1, "next": 2}, {"id": 2, "user": 1, "next": ▶3}, {"id": 4, "user": 1, "next": 4}]}',
    code: 'SEED_MISSING_REFERENCE',
    says: /next = 3/,
  },
  'what a trigger refuses': {
    seed: '{"guarded": [{"total": 1}, ▶{"total": -1}, {"total": -2}]}',
    code: 'SEED_ROW_REFUSED',
    says: /no debts, not even -1\. pay first/,
  },
  'what a generated column cannot be made of': {
    seed: '{"odd": [{"id": 5}, ▶{"id": 0}]}',
    code: 'SEED_ROW_REFUSED',
    says: /division by zero/,
  },

  'text that is not JSON': { seed: '▶users: []', code: 'SEED_BROKEN_JSON' },
  'an empty file': { seed: '▶', code: 'SEED_BROKEN_JSON' },
  'a missing comma': {
    seed: '{"users": [\n {"id": 1}\n ▶{"id": 2}]}',
    code: 'SEED_BROKEN_JSON',
    says: /comma is missing/,
  },
  'a trailing comma': { seed: '{"users": [{"id": 1},▶]}', code: 'SEED_BROKEN_JSON', says: /one too many/ },
  'a trailing comma in a row': { seed: '{"users": [{"id": 1,▶}]}', code: 'SEED_BROKEN_JSON', says: /one too many/ },
  'a comment': { seed: '{\n▶// Ada\n"users": []}', code: 'SEED_BROKEN_JSON', says: /comment/ },
  'single quotes': { seed: "{▶'users': []}", code: 'SEED_BROKEN_JSON' },
  'an object that is not closed': { seed: '{"users": [\n{"id": 1▶', code: 'SEED_BROKEN_JSON' },
  'a string that is not closed': { seed: '{"users": [{"email": ▶"a\n"}]}', code: 'SEED_BROKEN_JSON' },
  'a leading zero': { seed: '{"users": [{"id": 0▶1}]}', code: 'SEED_BROKEN_JSON' },
  'NaN without quotes': { seed: '{"users": [{"id": ▶NaN}]}', code: 'SEED_BROKEN_JSON' },
  'an unknown escape': { seed: '{"users": [{"email": ▶"\\x"}]}', code: 'SEED_BROKEN_JSON' },
  'broken JSON deep in a value': { seed: '{"users": [{"doc": {"a": [1 ▶2]}}]}', code: 'SEED_BROKEN_JSON' },
  'something after the end': { seed: '{"users": []}\n▶{}', code: 'SEED_BROKEN_JSON' },

  'a list of tables': { seed: '▶[]', code: 'SEED_WRONG_SHAPE', says: /file to be an object/ },
  'a table that is a string': { seed: '{"users": ▶"x"}', code: 'SEED_WRONG_SHAPE', says: /"users" to be a list/ },
  'a row that is a list': { seed: '{"users": [▶[1, 2]]}', code: 'SEED_WRONG_SHAPE' },
  'a row in the place of a table': {
    seed: '{"users": {"id": ▶1, "email": "x"}}',
    code: 'SEED_WRONG_SHAPE',
    says: /label "id" of "users" to be a row/,
  },
  'null for a row': { seed: '{"users": {"ada": ▶null}}', code: 'SEED_WRONG_SHAPE', says: /found null/ },

  'a table that stands twice': { seed: '{▷"users": [],\n ▶"users": []}', code: 'SEED_DUPLICATE_NAME' },
  'a label that stands twice': {
    seed: '{"users": {"ada": {"email": "a"},\n ▶"ada": {"email": "b"}}}',
    code: 'SEED_DUPLICATE_NAME',
    says: /label "ada"/,
  },
  'a column that stands twice': {
    seed: '{"users": [{"email": "a", ▶"\\u0065mail": "b"}]}',
    code: 'SEED_DUPLICATE_NAME',
    says: /column "email"/,
  },
}

describe.each([15, 18] as const)('refused on PostgreSQL %i', version => {
  let server: PostgresForTests
  let db: TestDatabase
  beforeAll(async () => {
    server = await startPostgres({ version })
    db = await database(server, schema, 'owner')
  })
  afterAll(async () => {
    await db[Symbol.asyncDispose]()
    await server.stop()
  })

  test.each(Object.entries(cases))('%s', async (_, { seed, code, says, hints }) => {
    const { text, at, other } = marked(seed)
    const refused = await refusal(load(db.client, { 'a.json': text }))
    expect(refused.code, refused.message).toBe(code)
    expect(refused.message.split(': ')[0], refused.message).toBe(`seeds/a.json:${at}`)
    if (other) expect(refused.message).toMatch(new RegExp(`at seeds/a\\.json:${other}\\b`))
    if (says) expect(refused.message).toMatch(says)
    if (hints) expect(refused.hint).toMatch(hints)
    // nothing of it stays, and the connection is good for the next
    const counts = 'select (select count(*) from users), (select count(*) from sales.orders)'
    expect(await texts(db.client, counts)).toEqual([['1', '0']])
  })

  test('one row among many, of several files', async () => {
    const users = (rows: string[]) => `{"users": [\n${rows.join(',\n')}\n]}`
    const rows = Array.from({ length: 3_000 }, (_, index) => `{"email": "${index}@example.com", "born": "2000-01-01"}`)
    const files = async (changed: string) => ({
      '1.json': users(rows.slice(0, 1_500)),
      '2.json': users(rows.slice(1_500).with(845, changed)),
    })
    const twice = await refusal(load(db.client, await files('{"email": "77@example.com"}')))
    expect(twice.code).toBe('SEED_DUPLICATE_KEY')
    expect(twice.message).toMatch(/^seeds\/2\.json:847:11: .* at seeds\/1\.json:79:11 /)
    const bad = await refusal(load(db.client, await files('{"email": "fine", "born": "soon"}')))
    expect(bad.code).toBe('SEED_BAD_VALUE')
    expect(bad.message).toMatch(/^seeds\/2\.json:847:27: /)
  })

  test('the same label in two files', async () => {
    const files = {
      '1.json': '{"users": {"ada": {"email": "a"}}}',
      '2.json': '{"public.users": {"ada": {"email": "b"}}}',
    }
    const refused = await refusal(load(db.client, files))
    expect(refused.code).toBe('SEED_DUPLICATE_LABEL')
    expect(refused.message).toMatch(/^seeds\/2\.json:1:26: .*"ada" of users.*seeds\/1\.json:1:19/)
  })

  test('a file that is not UTF-8', async () => {
    const latin1 = Buffer.from('{"users": [\n {"email": "Zürich"}]}', 'latin1')
    expect(await refusal(load(db.client, { 'a.json': latin1 }))).toMatchObject({
      code: 'SEED_BROKEN_JSON',
      message: expect.stringContaining('seeds/a.json:2:14: ') as string,
    })
  })

  test('an SQL seed that fails, with file, line and column', async () => {
    expect(
      await refusal(load(db.client, { 'a.sql': 'select 1;\ninsert into users (emial)\n values (1)' })),
    ).toMatchObject({
      code: 'SQL_FAILED',
      message: expect.stringContaining('seeds/a.sql:2:20') as string,
    })
  })
})

/** A seed without its marks, and where they stood: line and column, counted in characters. */
function marked(seed: string): { text: string; at: string; other: string | undefined } {
  const placeOf = (mark: string) => {
    const before = seed.split(mark)[0]!.replaceAll(/[▶▷]/g, '').split('\n')
    return seed.includes(mark) ? `${before.length}:${Array.from(before.at(-1)!).length + 1}` : undefined
  }
  return { text: seed.replaceAll(/[▶▷]/g, ''), at: placeOf('▶')!, other: placeOf('▷') }
}
