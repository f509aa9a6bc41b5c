import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { failureOf } from './project.js'
import { useSqlFile } from './use-sql-file.js'

const { server, client, run, values } = useSqlFile()

const dump = (data: string, end = '\\.\n') =>
  `\\restrict abc123\n\nSET standard_conforming_strings = on;\nSELECT pg_catalog.set_config('search_path', '', false);\n` +
  `CREATE TABLE public.t (id int, name text);\nCOPY public.t (id, name) FROM stdin;\n${data}${end}\n` +
  `ALTER TABLE ONLY public.t ADD PRIMARY KEY (id);\n\\unrestrict abc123\n`

test('COPY with data, \\N and backslashes at the start of lines', async () => {
  await run(dump('1\tit\'s; -- "x" $$\n2\t\\N\n3\t\\\\.\n4\t€😀\\n\n'))
  expect(await values('select name from t order by id')).toEqual(['it\'s; -- "x" $$', null, '\\.', '€😀\n'])
  await run('create table n (a text);\ncopy n from stdin;\n\\N\n\\\\restrict\n\\.\n')
  expect(await values('select a from n')).toEqual([null, '\\restrict'])
})

test('COPY without data, in CSV, up to the end of the file, and with CRLF', async () => {
  await run(dump(''))
  await run('copy t from stdin with (format csv);\n1,"a;\nb"\n2,\n\\.\nupdate t set name = \'x\' where id = 2;')
  expect(await values('select name from t order by id')).toEqual(['a;\nb', 'x'])
  await run('copy t from stdin;\n3\tc\n4\td')
  await run('copy t from stdin;\r\n5\te\r\n\\.\r\nselect 1;\r\n')
  expect(await values('select name from t where id > 2 order by id')).toEqual(['c', 'd', 'e'])
})

test('a wrong line of data is found', async () => {
  const error = await failureOf(run(dump('1\ta\n2\tb\nthree\tc\n')))
  expect(error.message).toMatch(/^a\.sql:9:1: invalid input syntax for type integer: "three"/)
  expect(error.message).toContain('9 | three\tc')
  expect(await values("select to_regclass('public.t')")).toEqual([null])
})

test('a failing COPY statement, and one after the data', async () => {
  expect((await failureOf(run('\nselect 1;\n  copy nowhere from stdin;\n1\n\\.\n'))).message).toMatch(
    /^a\.sql:3:3: relation "nowhere" does not exist/,
  )
  expect((await failureOf(run('create table t (a int);\ncopy t from stdin;\n1\n\\.\n\nselect nope;'))).message).toMatch(
    /^a\.sql:6:8: column "nope"/,
  )
})

test('COPY whose data is not there says so', async () => {
  const error = await failureOf(run('create table t (a int); copy t from stdin; select 1;'))
  expect(error.message).toContain('its data does not follow in the next lines')
})

test('lines that only look like it, in strings and functions', async () => {
  await run(
    "create table t (a text);\ninsert into t values ('\n\\connect x\ncopy t from stdin;\n\\.\n');\n/*\n\\q\n*/ select $$\n\\restrict\n$$;",
  )
  expect(await values('select a from t')).toEqual(['\n\\connect x\ncopy t from stdin;\n\\.\n'])
})

test('a real dump of Debian’s pg_dump', async context => {
  const found = await promisify(execFile)('pg_dump', ['--version']).catch(() => undefined)
  if (!found) context.skip('there is no pg_dump on this machine')
  await run(
    "create type mood as enum ('ok'); create table t (id serial primary key, m mood default 'ok', name text, g int generated always as (length(name)) stored);" +
      "insert into t (name) values ('a\tb'), (null), (E'x\\\\.\\n'); create view v as select name from t;" +
      'create function f() returns trigger language plpgsql as $$ begin return new; end $$; create trigger tr before insert on t for each row execute function f();',
  )
  const { rows } = await client().query('select current_database() as name')
  const { stdout } = await promisify(execFile)('pg_dump', ['-h', server().folder, '-U', 'postgres', rows[0].name])
  expect(stdout).toContain('FROM stdin;')
  await client().query('drop schema public cascade; create schema public')
  await run(stdout)
  expect(await values('select name from t order by id')).toEqual(['a\tb', null, 'x\\.\n'])
  expect(await values("select count(*)::int from pg_trigger where tgname = 'tr'")).toEqual([1])
  await run('select name from v')
})
