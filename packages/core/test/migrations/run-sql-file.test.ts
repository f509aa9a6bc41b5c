import { describe, expect, test } from 'vitest'
import { decodeSql } from '../../src/migrations/read-sql-file.js'
import { failureOf } from './project.js'
import { useSqlFile } from './use-sql-file.js'

const { client, run, values } = useSqlFile()

describe('where it failed', () => {
  test.each([
    ['a syntax error', 'create table t (id int);\nselect 1;\n  selec 2;', '3:3', 'syntax error at or near "selec"'],
    ['after multi-byte characters', "select 'é😀';\nselect '€😀😀', nope from (select 1) x;", '2:15', 'column "nope"'],
    ['with CRLF', 'select 1;\r\n\r\nselect\r\n  nope;\r\n', '4:3', 'column "nope" does not exist'],
    ['with a tab', 'select 1;\n\tselect nope;', '2:9', 'column "nope"'],
    [
      'without a position',
      'create table t (id int primary key);\n-- é😀\ninsert into t values (1);\n\n insert into t values (1);\nselect 1',
      '5:2',
      'duplicate key value',
    ],
    ['division at run time', 'select 1;; ; select 2;\nselect 1/0;', '2:1', 'division by zero'],
    [
      'after a function with semicolons',
      'create function f() returns int language plpgsql as $x$ begin; return 1; end $x$;\nselect f();',
      '1:62',
      'syntax error',
    ],
    [
      'after BEGIN ATOMIC',
      'create function f() returns int begin atomic select 1; select 2; end;\n/* a /* b; */ ; */ select f() / 0;',
      '2:20',
      'division by zero',
    ],
    [
      'after a dollar quote',
      "do $a$ begin perform 1; end; $a$;\nselect $$;$$, $b$ $$ ; $b$;\nselect ';', '''; ', 1/0",
      '3:1',
      'division by zero',
    ],
    ['in a file without a final newline', 'create table t (a int);\ndrop table u', '2:1', 'table "u" does not exist'],
  ])('%s', async (_, text, place, message) => {
    const error = await failureOf(run(text))
    expect(error.code).toBe('SQL_FAILED')
    expect(error.message.split('\n')[0]).toMatch(new RegExp(`^a\\.sql:${place}: `))
    expect(error.message).toContain(message)
    expect(await values("select relname from pg_class where relname in ('t', 'f')")).toEqual([])
  })

  test('shows the statement with a caret, detail, hint, context and SQLSTATE', async () => {
    const error = await failureOf(
      run(
        [
          'create table parent (id int primary key);',
          'create table child (id int, parent int references parent);',
          'insert into child',
          "  values (1, '7');",
          'select 1;',
        ].join('\n'),
      ),
    )
    expect(error.message).toContain('(SQLSTATE 23503)')
    expect(error.message).toContain("\n  3 | insert into child\n    | ^\n  4 |   values (1, '7')")
    expect(error.message).toContain('Detail: Key (parent)=(7) is not present in table "parent".')
    expect(error.message).not.toContain('select 1')
  })

  test('shows the statement inside a function', async () => {
    const error = await failureOf(
      run(
        'create function f() returns void language plpgsql as $$\nbegin\n  insert into missing values (1);\nend $$;\nselect f();',
      ),
    )
    expect(error.message).toMatch(/^a\.sql:5:1: relation "missing" does not exist/)
    expect(error.message).toContain('Context: PL/pgSQL function f() line 3 at SQL statement')
    expect(error.message).toContain('Inside:\n  1 | insert into missing values (1)\n    |             ^')
  })

  test('the server’s hint is shown', async () => {
    const error = await failureOf(run('create table people (surname text); select surnme from people'))
    expect(error.message).toContain('Hint: Perhaps you meant to reference the column "people.surname".')
  })

  test('a long line is cut around the place', async () => {
    const error = await failureOf(run(`select ${'1, '.repeat(200)}nope, ${'2, '.repeat(200)} 3`))
    const line = error.message.split('\n').find(text => text.includes('nope,'))!
    expect(line.length).toBeLessThan(130)
    const caret = error.message.split('\n')[error.message.split('\n').indexOf(line) + 1]!
    expect(caret.indexOf('^')).toBe(line.indexOf('nope'))
  })

  test('a deferred constraint that fails at the end', async () => {
    const error = await failureOf(
      run(
        'create table p (id int primary key); create table c (p int references p deferrable initially deferred); insert into c values (1)',
      ),
    )
    expect(error.message).toMatch(
      /^a\.sql: insert or update on table "c" violates .* when the file was done and committed/,
    )
    expect(await values("select count(*)::int from pg_class where relname = 'p'")).toEqual([0])
  })

  test('no password is shown', async () => {
    const error = await failureOf(run("create role a login password 'top-secret' in role nobody_at_all"))
    expect(error.message).toContain('nobody_at_all')
    expect(error.message).not.toContain('top-secret')
  })
})

describe('transactions', () => {
  test('a file is undone as a whole', async () => {
    await failureOf(run('create table t (id int); select 1/0'))
    expect(await values("select to_regclass('t')")).toEqual([null])
  })

  test('BEGIN and COMMIT of its own are harmless', async () => {
    await run('BEGIN; create table t (id int); COMMIT; insert into t values (1);')
    expect(await values('select id from t')).toEqual([1])
  })

  test('a failure after a COMMIT in the middle is placed, though what came before stays', async () => {
    const error = await failureOf(run('create table t (id int);\nCOMMIT;\ncreate table u (id int);\n select 1/0;'))
    expect(error.message).toMatch(/^a\.sql:4:2: division by zero/)
    expect(await values("select relname from pg_class where relname in ('t', 'u')")).toEqual(['t'])
  })

  test('a statement that must not be in a transaction says how', async () => {
    const error = await failureOf(run('create table t (id int);\ncreate index concurrently on t (id);'))
    expect(error.message).toMatch(/^a\.sql:2:1: CREATE INDEX CONCURRENTLY cannot run inside/)
    expect(error.hint).toContain('-- seedbed: no transaction')
    await run('create table t (id int);\ncreate index concurrently i on t (id);', { transaction: 'none' })
    expect(await values("select to_regclass('i')::text")).toEqual(['i'])
  })

  test('an enum value is used in the file that adds it', async () => {
    const text = "create type e as enum ('a');\nalter type e add value 'b';\nselect 'b'::e;"
    await run("create type x as enum ('a')")
    const error = await failureOf(run("alter type x add value 'b';\nselect 'b'::x;"))
    expect(error.hint).toContain('-- seedbed: no transaction')
    await run(text, { transaction: 'none' })
    expect(await values("select 'b'::e")).toEqual(['b'])
  })

  test('without a transaction, a failure has its place too, and what came before stays', async () => {
    const error = await failureOf(run("create table t (id int);\n-- é\nselect '😀', nope;", { transaction: 'none' }))
    expect(error.message).toMatch(/^a\.sql:3:13: column "nope"/)
    expect(await values("select to_regclass('t')::text")).toEqual(['t'])
  })

  test('without a transaction, a syntax error anywhere is found by the server at its place', async () => {
    const error = await failureOf(run('select 1;\ncreate tabel x ();', { transaction: 'none' }))
    expect(error.message).toMatch(/^a\.sql:2:8: syntax error at or near "tabel"/)
  })

  test('without a transaction, one that is left open is refused', async () => {
    const error = await failureOf(run('select 1;\nbegin;\ncreate table t ();', { transaction: 'none' }))
    expect(error.code).toBe('SQL_TRANSACTION_CONTROL')
    expect(error.message).toContain('a.sql:2: BEGIN opens')
    await run('begin; create table t (); commit', { transaction: 'none' })
    expect(await values("select to_regclass('t')::text")).toEqual(['t'])
  })

  test('a script may be one statement that must not be in a transaction, and is one transaction otherwise', async () => {
    await run('create table t (id int)', { transaction: 'script' })
    await run('create index concurrently i on t (id)', { transaction: 'script' })
    await failureOf(run('insert into t values (1); select 1/0', { transaction: 'script' }))
    expect(await values('select id from t')).toEqual([])
  })

  test('inside the caller’s transaction', async () => {
    await client().query(
      "create role someone; begin; set local work_mem = '5MB'; set statement_timeout = '1min'; savepoint mine",
    )
    await run(
      "create table t (id int); select set_config('search_path', '', false); set work_mem = '9MB'; set lock_timeout = '3s'; set role someone",
      {
        transaction: 'caller',
      },
    )
    expect(await values('select id from t')).toEqual([])
    expect(await values('select current_user')).toEqual(['postgres'])
    expect(
      await values(
        "select concat_ws(' ', current_setting('work_mem'), current_setting('statement_timeout'), current_setting('lock_timeout'))",
      ),
    ).toEqual(['5MB 1min 0'])
    await client().query('rollback to mine')
    expect(await values("select to_regclass('t')")).toEqual([null])
  })

  test.each(['commit', 'ROLLBACK', 'begin', 'end', 'abort', "prepare transaction 'x'"])(
    '%s in the caller’s transaction is refused',
    async statement => {
      await client().query('begin')
      const error = await failureOf(run(`create table t (id int);\n${statement};`, { transaction: 'caller' }))
      expect(error.code).toBe('SQL_TRANSACTION_CONTROL')
      expect(error.message).toContain('a.sql:2: ')
      expect(await values("select to_regclass('t')")).toEqual([null])
    },
  )

  test('savepoints and functions with BEGIN are allowed in the caller’s transaction', async () => {
    await client().query('begin')
    await run('savepoint a; do $$ begin perform 1; end $$; rollback to a; release a', { transaction: 'caller' })
    await client().query('rollback')
  })
})

describe('the session afterwards', () => {
  test.each(['own', 'none', 'script'] as const)('%s: settings, role, temporary tables', async transaction => {
    await run('create role r_' + transaction, { transaction: 'own' })
    await run(
      `select set_config('search_path', '', false); set statement_timeout = '1s'; create temporary table t (); listen x; set role r_${transaction};`,
      { transaction },
    )
    expect(await values('show search_path')).toEqual(['"$user", public'])
    expect(await values('show statement_timeout')).toEqual(['0'])
    expect(await values('select current_user')).toEqual(['postgres'])
    expect(await values("select to_regclass('pg_temp.t')")).toEqual([null])
    expect(await values('select pg_listening_channels()')).toEqual([])
  })

  test('is clean after a failure too', async () => {
    await failureOf(run("set search_path = ''; select 1/0", { transaction: 'none' }))
    expect(await values('show search_path')).toEqual(['"$user", public'])
  })
})

describe('refusals', () => {
  test.each([
    ['\\connect shop', 'pg_dump'],
    ['\\i other.sql', 'order of their names'],
    ['\\set x 1', 'psql -v ON_ERROR_STOP'],
    ['  \\connect shop', 'pg_dump'],
  ])('%s', async (command, hint) => {
    const error = await failureOf(run(`create table t ();\n${command}\nselect 1;`))
    expect(error.code).toBe('SQL_PSQL_COMMAND')
    expect(error.message).toContain(`a.sql:2: ${command.trim()} is a command of psql`)
    expect(error.hint).toContain(hint)
    expect(await values("select to_regclass('t')")).toEqual([null])
  })

  test('NUL, UTF-16, Latin 1 and a foreign client_encoding', async () => {
    expect((await failureOf(run('select 1;\n\0'))).message).toContain('a.sql:2 has a NUL byte')
    expect((await failureOf(run("-- x\nSET client_encoding = 'LATIN1';"))).message).toContain(
      'a.sql:2 says that it is LATIN1',
    )
    expect(() => decodeSql(Buffer.from('select 1;\n\0'), 'b.sql')).toThrow('b.sql:2 has a NUL byte')
    expect(() => decodeSql(Buffer.from('\ufeffselect', 'utf16le'), 'b.sql')).toThrow(
      /^b\.sql is UTF-16, not UTF-8\.[^]*iconv -f UTF-16 /,
    )
    expect(() => decodeSql(Buffer.from("select 1;\nselect 'é';\nselect 'ü'", 'latin1'), 'b.sql')).toThrow(
      'b.sql:2 has a byte sequence',
    )
  })

  test('a byte order mark is taken off, and a valid file is kept as it is', () => {
    expect(decodeSql(Buffer.from('\ufeffselect 😀'), 'b.sql')).toBe('select 😀')
  })

  test('a lost connection is reported with the file', async () => {
    client().on('error', () => {})
    const error = await failureOf(run('select 1;\nselect pg_terminate_backend(pg_backend_pid())'))
    expect(error.message).toMatch(/^a\.sql(:2:1)?: .*terminat/)
  })
})

describe('empty and odd files', () => {
  test.each(['', ' \n\r\n', '-- nothing', '/* nothing */ ;', ';;'])('%j runs', async text => {
    await run(text)
    await run(text, { transaction: 'none' })
    await run(text, { transaction: 'script' })
  })

  test('standard_conforming_strings off holds for the statements after it', async () => {
    await run(
      "create table t (a text);\nset standard_conforming_strings = off;\nset escape_string_warning = off;\ninsert into t values ('it\\'s; ok');\n",
    )
    expect(await values('select a from t')).toEqual(["it's; ok"])
    expect(await values('show standard_conforming_strings')).toEqual(['on'])
    const error = await failureOf(run("set standard_conforming_strings = off;\nselect '\\'', nope"))
    expect(error.message).toMatch(/^a\.sql:2:14: column "nope"/)
  })
})

describe('roles that exist already', () => {
  test('are altered, and members granted', async () => {
    await run(
      'create role boss; create role staff; create role helper; create user clerk; create user "Odd ""one" password \'old\'',
    )
    const text =
      '-- é\ncreate user clerk in role staff role helper admin boss connection limit 3 -- end\n;\nCREATE ROLE "Odd ""one" PASSWORD \'n\'\'ew\' ;create role fresh;\nselect nope'
    const error = await failureOf(run(text, { knownRoles: ['clerk', 'Odd "one'] }))
    expect(error.message).toMatch(/^a\.sql:5:8: column "nope"/)
    await run(text.replace('select nope', ''), { knownRoles: ['clerk', 'Odd "one'] })
    expect(await values("select rolconnlimit from pg_roles where rolname = 'clerk'")).toEqual([3])
    expect(await values("select pg_has_role('clerk', 'staff', 'member')")).toEqual([true])
    expect(
      await values(
        "select array_agg(member::regrole::text || admin_option order by member::regrole::text) from pg_auth_members where roleid = 'clerk'::regrole",
      ),
    ).toEqual([['bosstrue', 'helperfalse']])
    // CREATE ROLE means NOLOGIN, whatever the role was before
    expect(await values("select rolcanlogin from pg_roles where rolname like 'Odd%'")).toEqual([false])
    expect(await values("select rolcanlogin from pg_roles where rolname = 'clerk'")).toEqual([true])
    await run('drop role clerk, staff, helper, boss, fresh, "Odd ""one"')
  })

  test('a failing ALTER points at the CREATE, and the statement is the file’s own', async () => {
    await run('create role known')
    const error = await failureOf(
      run('select 1;\n  create role known in role missing_role, postgres;', { knownRoles: ['known'] }),
    )
    expect(error.message).toMatch(/^a\.sql:2:3: role "missing_role" does not exist/)
    expect(error.message).toContain('create role known in role missing_role')
    await run('drop role known')
  })

  test('an unknown one fails with the way out; one in a DO block may be asked for', async () => {
    await run('create role twice')
    const error = await failureOf(run('create role twice'))
    expect(error.message).toContain('SQLSTATE 42710')
    expect(error.hint).toContain('Roles belong to the whole server')
    await run(
      "do $$ begin if not exists (select from pg_roles where rolname = 'twice') then create role twice; end if; end $$",
      {
        knownRoles: ['twice'],
      },
    )
    await run('drop role twice')
  })
})
