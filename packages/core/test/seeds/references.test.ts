import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { insertOrder } from '../../src/seeds/insert-order.js'
import { database, load, refusal, texts } from './support.js'

describe.each([15, 16, 17, 18] as const)(
  'references on PostgreSQL %i, as a role that only owns its tables',
  version => {
    let server: PostgresForTests
    beforeAll(async () => {
      server = await startPostgres({ version })
    })
    afterAll(() => server.stop())
    const owned = (schema: string) => database(server, schema, 'owner')

    test('between tables of a cycle hold, though no key is deferrable', async () => {
      await using db = await owned(`
      create table team (id int primary key, captain int not null);
      create table player (id int primary key, team int not null references team, mentor int not null references player);
      create table sponsor (id int primary key, team int not null references team);
      create table match (id serial primary key, home int references team, best int references player);
      create table league (id int primary key, sponsor int not null references sponsor);
      alter table team add foreign key (captain) references player;
      alter table team add league int not null references league`)
      await load(db.client, {
        'a.json': {
          match: [{ home: 1, best: 12 }],
          league: [{ id: 5, sponsor: 6 }],
          player: [
            { id: 11, team: 1, mentor: 12 },
            { id: 12, team: 2, mentor: 11 },
          ],
          team: [
            { id: 1, captain: 11, league: 5 },
            { id: 2, captain: 12, league: 5 },
          ],
          sponsor: [{ id: 6, team: 2 }],
        },
      })
      expect(await texts(db.client, 'select * from match join player on best = player.id')).toHaveLength(1)
      expect(await texts(db.client, 'select id, captain, league from team order by id')).toEqual([
        ['1', '11', '5'],
        ['2', '12', '5'],
      ])
      expect((await refusal(load(db.client, { 'b.json': { team: [{ id: 3, captain: 99, league: 5 }] } }))).code).toBe(
        'SEED_MISSING_REFERENCE',
      )
    })

    test('to later rows of the same table hold, whatever columns the rows have', async () => {
      await using db = await owned(
        `create table node (id int primary key, parent int references node, note text default 'none');`,
      )
      await load(db.client, {
        'a.json': {
          node: [{ id: 3, parent: 2 }, { id: 2, parent: 1, note: 'x' }, { id: 1 }, { parent: 3, id: 4, note: null }],
        },
      })
      expect(await texts(db.client, 'select * from node')).toEqual([
        ['3', '2', 'none'],
        ['2', '1', 'x'],
        ['1', null, 'none'],
        ['4', '3', null],
      ])
    })

    test('of several columns, to unique keys, with MATCH FULL, and with nulls', async () => {
      await using db = await owned(`
      create table country (code text, region int, unique (region, code));
      create table town (id int primary key, region int, country text,
        foreign key (country, region) references country (code, region) match full);
      create table street (town int references town, region int, country text,
        foreign key (region, country) references country (region, code))`)
      await load(db.client, {
        'a.json': {
          street: [
            { town: 1, region: 7, country: 'CH' },
            { town: null, region: null, country: 'nowhere' },
          ],
          town: [{ id: 1, region: 7, country: 'CH' }, { id: 2 }],
          country: [{ code: 'CH', region: 7 }],
        },
      })
      expect(await texts(db.client, 'select count(*) from street')).toEqual([['2']])
    })

    test('hold among partitions and their root, and tables that inherit', async () => {
      await using db = await owned(`
      create table event (id int, year int, primary key (id, year)) partition by range (year);
      create table event_2023 partition of event for values from (2023) to (2024);
      create table event_2024 partition of event for values from (2024) to (2025);
      create table ticket (id int primary key, event int, year int, foreign key (event, year) references event);
      create table invoice (id int, year int, ticket int references ticket, primary key (id, year)) partition by list (year);
      create table invoice_2024 partition of invoice for values in (2024);
      create table animal (id serial primary key, name text);
      create table dog (breed text) inherits (animal)`)
      await load(db.client, {
        'a.json': {
          dog: [{ name: 'Rex', breed: 'terrier' }],
          animal: [{ name: 'Tom' }],
          invoice_2024: [{ id: 1, year: 2024, ticket: 2 }],
          invoice: [{ id: 2, year: 2024, ticket: 1 }],
          ticket: [
            { id: 1, event: 1, year: 2023 },
            { id: 2, event: 2, year: 2024 },
          ],
          event_2024: [{ id: 2, year: 2024 }],
          event: [{ id: 1, year: 2023 }],
        },
      })
      const refused = async (seed: string) => {
        const { code, message } = await refusal(load(db.client, { 'a.json': seed }))
        return `${code} ${message.split(': ')[0]!}`
      }
      expect(await refused('{"event": [{"id": 5, "year": 2023},\n {"id": 5, "year": 2023}]}')).toBe(
        'SEED_DUPLICATE_KEY seeds/a.json:2:9',
      )
      expect(await refused('{"event_2024": [{"id": 5, "year": 2023}]}')).toBe('SEED_CHECK_VIOLATED seeds/a.json:1:17')
      expect(await refused('{"invoice": [{"id": 5, "year": 2024,\n "ticket": 77}]}')).toBe(
        'SEED_MISSING_REFERENCE seeds/a.json:2:12',
      )
      expect(await refused('{"ticket": [{"id": 9, "event": 2, "year": 2023}]}')).toBe(
        'SEED_MISSING_REFERENCE seeds/a.json:1:32',
      )
      expect(await texts(db.client, 'select tableoid::regclass, id from event order by id')).toEqual([
        ['event_2023', '1'],
        ['event_2024', '2'],
      ])
      expect(await texts(db.client, 'select count(*) from invoice_2024')).toEqual([['2']])
      expect(await texts(db.client, 'select id, name from animal order by id')).toEqual([
        ['1', 'Rex'],
        ['2', 'Tom'],
      ])
    })

    test('hold between files in any order, and across an SQL seed in theirs', async () => {
      await using db = await owned(`
      create table author (id int primary key, name text);
      create table book (id int primary key, author int references author);
      create table loan (book int references book, by text)`)
      await load(db.client, {
        '1-loans.json': { loan: [{ book: 2, by: 'Grace' }] },
        '2-books.json': { book: [{ id: 2, author: 1 }] },
        '3-authors.json': { author: [{ id: 1, name: 'Ada' }] },
        '4.sql': `insert into book select 3, id from author; insert into author values (9, 'from SQL')`,
        '10-more.json': { loan: [{ book: 3, by: 'Ada' }], book: [{ id: 4, author: 9 }] },
      })
      expect(await texts(db.client, 'select * from loan order by book')).toEqual([
        ['2', 'Grace'],
        ['3', 'Ada'],
      ])
    })

    test('that are deferred may be kept by a later seed, and are looked at before the end', async () => {
      const schema = `
      create table author (id int primary key);
      create table book (id int primary key, author int references author deferrable initially deferred,
        shelf int unique deferrable initially deferred)`
      await using db = await owned(schema)
      await load(db.client, {
        '1.json': { book: [{ id: 1, author: 1, shelf: 5 }] },
        '2.sql': 'insert into author values (1)',
      })
      expect(
        await refusal(
          load(db.client, {
            '1.json': {
              book: [
                { id: 2, author: 1 },
                { id: 3, author: 9 },
              ],
            },
            '2.sql': 'select 1',
          }),
        ),
      ).toMatchObject({
        code: 'SEED_MISSING_REFERENCE',
        message: expect.stringMatching(/^seeds\/1\.json:9:14: .*author = 9.*author has no row with id = 9/) as string,
      })
      expect(
        await refusal(
          load(db.client, {
            '1.json': {
              book: [
                { id: 2, shelf: 6 },
                { id: 3, shelf: 6 },
              ],
            },
          }),
        ),
      ).toMatchObject({
        code: 'SEED_DUPLICATE_KEY',
        message: expect.stringMatching(/^seeds\/1\.json:9:13: .*at seeds\/1\.json:5:13/) as string,
      })
      expect((await refusal(load(db.client, { '1.sql': 'insert into book values (7, 77)' }))).code).toBe(
        'SEED_COMMIT_REFUSED',
      )
      expect(await texts(db.client, 'select id from book')).toEqual([['1']])
    })

    test('that a default or a trigger makes are named by their table, if not by their row', async () => {
      await using db = await owned(`
      create table author (id int primary key);
      create table book (id int primary key, a int, b int, author int default 8 references author);
      create table pair (x int, y int, unique (x, y));
      create table half (x int, y int, foreign key (x, y) references pair (x, y) match full);
      create function wrong() returns trigger language plpgsql as $$ begin new.author := 77; return new; end $$`)
      const book = '{"author": [{"id": 1}], "book": [{"id": 1, "author": 1},\n {"id": 2}]}'
      expect(await refusal(load(db.client, { 'a.json': book }))).toMatchObject({
        code: 'SEED_MISSING_REFERENCE',
        message: expect.stringMatching(/^seeds\/a\.json:2:2: /) as string,
      })
      expect(
        await refusal(load(db.client, { 'a.json': '{"half": [{}, {"x": null, "y": null},\n {"x": 1}]}' })),
      ).toMatchObject({
        code: 'SEED_MISSING_REFERENCE',
        message: expect.stringMatching(/^seeds\/a\.json:2:8: /) as string,
      })
      await db.client.query('create trigger wrong before insert on book for each row execute function wrong()')
      expect(
        await refusal(load(db.client, { 'a.json': '{"book": [{"id": 1, "author": 1}], "author": [{"id": 1}]}' })),
      ).toMatchObject({
        code: 'SEED_ROW_REFUSED',
        message: expect.stringMatching(/^seeds\/a\.json:1:11: the rows of book, .*author.*77/) as string,
      })
    })

    test('hold for a dump of pg_dump with COPY, between JSON seeds', async () => {
      await using db = await owned(`
      create table author (id serial primary key, name text);
      create table book (id int primary key, author int references author)`)
      await load(db.client, {
        '1.json': { author: [{ id: 1, name: 'Ada' }] },
        '2.sql': `SELECT pg_catalog.set_config('search_path', '', false);\nCOPY public.author (id, name) FROM stdin;\n7\tGrace\n\\.\n`,
        '3.json': {
          book: [
            { id: 1, author: 7 },
            { id: 2, author: 1 },
          ],
          author: [{ name: 'counted' }],
        },
      })
      expect(await texts(db.client, 'select id, name from author order by id')).toEqual([
        ['1', 'Ada'],
        ['7', 'Grace'],
        ['8', 'counted'],
      ])
    })

    test('do not keep triggers from firing, as for any INSERT', async () => {
      await using db = await owned(`
      create table entry (id int primary key, slug text, parent int references entry);
      create table log (id serial, line text);
      create function fill() returns trigger language plpgsql as $$ begin new.slug := lower(new.slug); return new; end $$;
      create function note() returns trigger language plpgsql as $$ begin insert into log (line) values (tg_op || ' ' || new.slug); return null; end $$;
      create trigger a before insert on entry for each row execute function fill();
      create trigger b after insert on entry for each row execute function note()`)
      await load(db.client, {
        'a.json': {
          entry: [
            { id: 1, slug: 'ONE', parent: 2 },
            { id: 2, slug: 'Two' },
          ],
        },
      })
      expect(await texts(db.client, 'select line from log order by id')).toEqual([['INSERT one'], ['INSERT two']])
    })
  },
)

test('insertOrder keeps the given order where no reference speaks against it', () => {
  const references: Record<string, string[]> = {
    a: ['c'],
    b: [],
    c: ['d', 'elsewhere'],
    d: ['c', 'e'],
    e: ['e'],
    f: ['b'],
  }
  expect(insertOrder(['b', 'a', 'f', 'c', 'd', 'e'], table => references[table]!)).toEqual([
    ['b'],
    ['e'],
    ['c', 'd'],
    ['a'],
    ['f'],
  ])
})
