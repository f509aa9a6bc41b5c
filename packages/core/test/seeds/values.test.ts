import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { database, load, texts } from './support.js'

const types = `
  create extension citext; create extension hstore; create extension ltree;
  create type mood as enum ('sad', 'so so', 'ha"ppy');
  create domain positive as int check (value > 0);
  create domain named as varchar(5) not null default 'anon';
  create domain document as json;
  create domain strict_document as document check (value::text <> '1');
  create type address as (street text, town varchar(10), "zip code" int);
  create type person as (name text, home address, tags text[]);
  create type spans as range (subtype = float8, multirange_type_name = many_spans);
  create domain home as address check ((value).town <> 'Nowhere');`

/** A type, a value as a seed writes it, and the literal that a plain INSERT would have. */
const cases: [type: string, json: string, literal: string][] = [
  ['int', '7', "'7'"],
  ['int', '"7"', "'7'"],
  ['int', 'null', 'null'],
  ['smallint', '-32768', "'-32768'"],
  ['bigint', '9223372036854775807', "'9223372036854775807'"],
  ['numeric', '12345678901234567890.12345678901234567890', "'12345678901234567890.12345678901234567890'"],
  ['numeric', '9007199254740993', "'9007199254740993'"],
  ['numeric', '1.10', "'1.10'"],
  ['numeric', '1e-30', "'1e-30'"],
  ['numeric', '"NaN"', "'NaN'"],
  ['numeric', '"-Infinity"', "'-Infinity'"],
  ['numeric(10,2)', '1.005', "'1.005'"],
  ['float8', '0.1', "'0.1'"],
  ['float8', '1.7976931348623157e308', "'1.7976931348623157e308'"],
  ['float8', '5e-324', "'5e-324'"],
  ['float8', '-0', "'-0'"],
  ['float8', '"NaN"', "'NaN'"],
  ['float8', '"Infinity"', "'Infinity'"],
  ['float4', '16777217', "'16777217'"],
  ['float8', '123456789012345680000000', "'123456789012345680000000'"],
  ['money', '"12.34"', "'12.34'"],
  ['boolean', 'true', "'true'"],
  ['boolean', '"off"', "'off'"],
  ['text', '"a\\u00e9\\ud83d\\ude00\\"\\\\\\n\\t\\u0001"', `E'aé😀"\\\\\\n\\t\\x01'`],
  ['text', '""', "''"],
  ['text', '"null"', "'null'"],
  ['text', '"  spaces  "', "'  spaces  '"],
  ['text', '1.10', "'1.10'"],
  ['text', 'true', "'true'"],
  ['varchar(3)', '"abc"', "'abc'"],
  ['char(5)', '"ab"', "'ab'"],
  ['"char"', '"x"', "'x'"],
  ['name', '"n"', "'n'"],
  ['citext', '"MiXed"', "'MiXed'"],
  ['bytea', '"\\\\x00ff5c"', "'\\x00ff5c'"],
  ['bytea', '"a\\\\000b"', "'a\\000b'"],
  ['bit(3)', '"101"', "'101'"],
  ['varbit', '"10101"', "'10101'"],
  ['uuid', '"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"', "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"],
  ['date', '"0044-03-15 BC"', "'0044-03-15 BC'"],
  ['date', '"infinity"', "'infinity'"],
  ['time', '"24:00:00"', "'24:00:00'"],
  ['timetz', '"12:34:56.789+05:45"', "'12:34:56.789+05:45'"],
  ['timestamp', '"2024-02-29T23:59:59.999999"', "'2024-02-29T23:59:59.999999'"],
  ['timestamptz', '"2024-03-31T01:30:00+01:00"', "'2024-03-31T01:30:00+01:00'"],
  ['timestamptz', '"2024-03-31 02:30 Europe/Berlin"', "'2024-03-31 02:30 Europe/Berlin'"],
  ['timestamptz(3)', '"1969-12-31T23:59:59.123456Z"', "'1969-12-31T23:59:59.123456Z'"],
  ['interval', '"1 year -2 mons 3 days 04:05:06.789"', "'1 year -2 mons 3 days 04:05:06.789'"],
  ['interval', '"P1Y2M3DT4H"', "'P1Y2M3DT4H'"],
  ['mood', '"ha\\"ppy"', `'ha"ppy'`],
  ['positive', '3', "'3'"],
  ['named', '"abcde"', "'abcde'"],
  ['inet', '"192.168.0.1/24"', "'192.168.0.1/24'"],
  ['cidr', '"10.0.0.0/8"', "'10.0.0.0/8'"],
  ['macaddr', '"08:00:2b:01:02:03"', "'08:00:2b:01:02:03'"],
  ['point', '"(1.5,-2)"', "'(1.5,-2)'"],
  ['polygon', '"((0,0),(1,1),(2,0))"', "'((0,0),(1,1),(2,0))'"],
  ['tsvector', '"a:1A b:2"', "'a:1A b:2'"],
  ['tsquery', '"a & !b"', "'a & !b'"],
  ['jsonpath', '"$.a[*] ? (@ > 1)"', "'$.a[*] ? (@ > 1)'"],
  ['xid8', '"18446744073709551615"', "'18446744073709551615'"],
  ['pg_lsn', '"16/B374D848"', "'16/B374D848'"],
  ['regclass', '"pg_class"', "'pg_class'"],
  ['ltree', '"Top.Science.Astronomy"', "'Top.Science.Astronomy'"],
  ['hstore', '"a=>1, b=>NULL"', "'a=>1, b=>NULL'"],
  ['int4range', '"[1,5)"', "'[1,5)'"],
  ['int4range', '"empty"', "'empty'"],
  ['tstzrange', '"[2024-01-01 00:00+00,)"', "'[2024-01-01 00:00+00,)'"],
  ['spans', '"(0.1,0.2]"', "'(0.1,0.2]'"],
  ['int4multirange', '"{[1,3), [5,7)}"', "'{[1,3), [5,7)}'"],
  ['many_spans', '"{[0,1],[2,3]}"', "'{[0,1],[2,3]}'"],
  // jsonb: what stands in the seed is the value, except null, which is NULL as in any other column
  [
    'jsonb',
    '{"b": 1.10, "a": [1, null, {"c": 12345678901234567890}], "b ": "x"}',
    `'{"b": 1.10, "a": [1, null, {"c": 12345678901234567890}], "b ": "x"}'`,
  ],
  ['jsonb', '"a string"', `'"a string"'`],
  ['jsonb', '"{\\"not\\": \\"parsed\\"}"', `'"{\\"not\\": \\"parsed\\"}"'`],
  ['jsonb', '3.00', "'3.00'"],
  ['jsonb', 'false', "'false'"],
  ['jsonb', '[]', "'[]'"],
  ['jsonb', 'null', 'null'],
  // json keeps its text, doubled names, escapes and all
  ['json', '{"b" :1.10,  "a": 1e2, "b": "\\u00e9"}', `'{"b" :1.10,  "a": 1e2, "b": "\\u00e9"}'`],
  ['json', '{"nul": "\\u0000"}', `'{"nul": "\\u0000"}'`],
  ['json', '"\\u00e9"', `'"\\u00e9"'`],
  ['json', 'null', 'null'],
  ['document', '[1,  2]', "'[1,  2]'"],
  ['strict_document', '{ "a":1 }', `'{ "a":1 }'`],
  // arrays
  ['int[]', '[1, null, 3]', "'{1,NULL,3}'"],
  ['int[]', '"{4,5}"', "'{4,5}'"],
  ['int[]', '[]', "'{}'"],
  ['int[]', '[[1,2],[3,4]]', "'{{1,2},{3,4}}'"],
  ['int[]', '"[2:3]={7,8}"', "'[2:3]={7,8}'"],
  ['text[]', '["a,b", "{}", "", "null", null, "\\"\\\\"]', `array['a,b', '{}', '', 'null', null, '"\\']`],
  ['text[][]', '[[["x"]],[["y"]]]', "'{{{x}},{{y}}}'"],
  ['numeric(6,1)[]', '[12345678901e-8, 1]', "'{12345678901e-8,1}'"],
  ['bytea[]', '["\\\\x01", "\\\\x02"]', `array['\\x01'::bytea, '\\x02']`],
  ['timestamptz[]', '["2024-01-01T00:00:00Z"]', `'{"2024-01-01T00:00:00Z"}'`],
  ['jsonb[]', '[{"a": 1}, "s", [1]]', `array['{"a": 1}'::jsonb, '"s"', '[1]']`],
  ['mood[]', '["sad", "so so"]', `'{sad,"so so"}'`],
  ['positive[]', '[1, 2]', "'{1,2}'"],
  ['int4range[]', '["[1,2)", "empty"]', `'{"[1,2)",empty}'`],
  // composite types
  ['address', '{"town": "Bern", "street": "A, \\"B\\"", "zip code": 3000}', `row('A, "B"', 'Bern', 3000)::address`],
  ['address', '{"town": "Bern"}', "row(null, 'Bern', null)::address"],
  ['address', '"(x,y,1)"', "'(x,y,1)'"],
  ['home', '{"town": "Bern"}', "row(null, 'Bern', null)::address"],
  [
    'person',
    '{"name": "Ada", "home": {"town": "London"}, "tags": ["x", "y z"]}',
    `row('Ada', row(null, 'London', null)::address, array['x', 'y z'])::person`,
  ],
  [
    'address[]',
    '[{"town": "Bern"}, {"street": "s", "zip code": 1}]',
    "array[row(null, 'Bern', null), row('s', null, 1)]::address[]",
  ],
  ['person[]', '[{"home": {"street": "s"}}]', "array[row(null, row('s', null, null)::address, null)]::person[]"],
]

describe.each([15, 18] as const)('values on PostgreSQL %i', version => {
  let server: PostgresForTests
  beforeAll(async () => {
    server = await startPostgres({ version })
  })
  afterAll(() => server.stop())

  test('of every type arrive as a plain INSERT would have put them', async () => {
    const columns = cases.map(([type], index) => `c${index} ${type}`).join(', ')
    await using plain = await database(server, `${types} create table t (id int primary key, ${columns})`)
    await using seeded = await database(server, `${types} create table t (id int primary key, ${columns})`)
    // one row that has them all, and one row each, so that columns left out are in play as well
    const all = cases.map(([, json], index) => `"c${index}": ${json}`).join(', ')
    const each = cases.map(([, json], index) => `{"id": ${index + 1}, "c${index}": ${json}}`)
    await plain.client.query(`insert into t values (0, ${cases.map(([, , literal]) => literal).join(', ')})`)
    for (const [index, [, , literal]] of cases.entries()) {
      await plain.client.query(`insert into t (id, c${index}) values (${index + 1}, ${literal})`)
    }

    await load(seeded.client, { 'a.json': `{"t": [{"id": 0, ${all}}, ${each.join(',\n')}]}` })

    expect(await texts(seeded.client, 'select * from t order by id')).toEqual(
      await texts(plain.client, 'select * from t order by id'),
    )
  })

  test('left out take their default, in the order in which the rows stand; null is null', async () => {
    await using seeded = await database(
      server,
      `create domain named as varchar(5) not null default 'anon';
       create sequence own start 100;
       create table t (
         id int generated always as identity,
         serial serial,
         own int default nextval('own'),
         name named,
         note text default 'it''s',
         at timestamptz default now(),
         doc json default '{"a":  1}',
         plain int,
         twice int generated always as (plain * 2) stored)`,
    )
    await load(seeded.client, {
      'a.json': `{"t": [
        {"plain": 1},
        {"id": 50, "note": null, "name": "Ada", "doc": {"b" :1}},
        {},
        {"serial": 9, "own": 7, "name": "Bob", "plain": 4},
        {"plain": 5, "doc": null}
      ]}`,
    })
    expect(
      await texts(
        seeded.client,
        'select id, serial, own, name, note, at = (select min(at) from t), doc, plain, twice from t order by ctid',
      ),
    ).toEqual([
      ['1', '1', '100', 'anon', "it's", 't', '{"a":  1}', '1', '2'],
      ['50', '2', '101', 'Ada', null, 't', '{"b" :1}', null, null],
      ['2', '3', '102', 'anon', "it's", 't', '{"a":  1}', null, null],
      ['3', '9', '7', 'Bob', "it's", 't', '{"a":  1}', '4', '8'],
      ['4', '4', '103', 'anon', "it's", 't', null, '5', '10'],
    ])
  })

  test('a table of empty rows, and one without columns', async () => {
    await using seeded = await database(server, 'create table t (id serial, note text); create table bare ()')
    await load(seeded.client, { 'a.json': { t: [{}, {}], bare: [{}, {}, {}] } })
    expect(await texts(seeded.client, 'select * from t order by id')).toEqual([
      ['1', null],
      ['2', null],
    ])
    expect(await texts(seeded.client, 'select count(*) from bare')).toEqual([['3']])
  })

  test('names of any kind, schemas, and tables with dots in their names', async () => {
    await using seeded = await database(
      server,
      `create schema sales; create schema "S p";
       create table "a.b" ("c ""d" int, "value" int default 3, "seed" int, "é" int, "key" int);
       create table sales.orders (id int, "order" text);
       create table "S p"."T.x" ("from" int)`,
    )
    await load(seeded.client, {
      'a.json': {
        'a.b': [
          { 'c "d': 1, é: 2 },
          { seed: 4, key: 5, value: null },
        ],
        'sales.orders': [{ id: 1, order: 'x' }],
        'S p.T.x': [{ from: 1 }],
      },
    })
    expect(await texts(seeded.client, 'select * from "a.b"')).toEqual([
      ['1', '3', null, '2', null],
      [null, null, '4', null, '5'],
    ])
    expect(await texts(seeded.client, 'select * from sales.orders')).toEqual([['1', 'x']])
    expect(await texts(seeded.client, 'select * from "S p"."T.x"')).toEqual([['1']])
  })

  test('a byte order mark, Windows line ends and an editor’s $schema change nothing', async () => {
    await using seeded = await database(server, 'create table t (id int)')
    await load(seeded.client, {
      'a.json': '\ufeff{\r\n  "$schema": "./x.json",\r\n  "t": [{"id": 1}],\r\n}'.replace('],\r\n}', ']\r\n}'),
    })
    expect(await texts(seeded.client, 'select * from t')).toEqual([['1']])
  })
})
