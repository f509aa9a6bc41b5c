import fc from 'fast-check'

/** One of these texts. */
export const any = fc.constantFrom<string[]>
export const weighted = <T>(...choices: [weight: number, arbitrary: fc.Arbitrary<T>][]) =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))
/** A text with arbitrary parts in it. */
const sql = (texts: TemplateStringsArray, ...parts: fc.Arbitrary<string | number>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map(values => texts.map((text, index) => text + (values[index] ?? '')).join(''))

/** 1 and 2 are there from the start. */
const accountId = any('1', '1', '2', '2', '3', '4', '4')
const place = any('1', '1', '2', '3', '4', '5', '6', '7')
export const name = any('bob', 'cyd', 'dan', 'eve', 'fay', 'gil', 'hal', 'ian', 'joe', 'kim', 'lou', 'mae')
const amount = any('0', '1', '2', '3', '4', '5', '5', '6', '-30')
/** Few names, so that savepoints with one name stand one in the other, and so that names collide. */
export const savepoints = ['a', 'b', '"A b"']
export const preparedNames = ['s1', 's2']
export const cursors = ['c1', 'c2']
const savepoint = any(...savepoints)
const preparedName = any(...preparedNames)
const cursor = any(...cursors)
const maybe = (text: string) => any('', text)

const write = weighted(
  [4, sql`INSERT INTO account (name, balance) VALUES ('${name}', ${amount})${maybe(' RETURNING id')}`],
  [1, sql`INSERT INTO account (id, name) VALUES (${accountId}, '${name}') ON CONFLICT DO NOTHING`],
  [1, sql`INSERT INTO account (name, balance) VALUES (${any('NULL', "'gil'")}, 1 / ${any('0', '1')})`],
  [5, sql`INSERT INTO entry (account_id, other_id) VALUES (${accountId}, ${any('1', '1', '2', '3')})`],
  [1, sql`INSERT INTO entry (account_id, note) VALUES (${accountId}, 'it; COMMIT; -- "begin"')`],
  [1, sql`INSERT INTO entry (account_id) SELECT id FROM account ORDER BY id`],
  [4, sql`INSERT INTO rank VALUES (${place})`],
  [2, sql`UPDATE account SET balance = balance - ${amount} WHERE id = ${accountId} RETURNING balance`],
  [1, sql`UPDATE account SET name = '${name}' WHERE id = ${accountId}`],
  [1, sql`UPDATE rank SET place = ${place} WHERE place = 1`],
  [1, sql`DELETE FROM account WHERE id = ${accountId}`],
  [1, sql`DELETE FROM entry WHERE account_id = ${accountId}`],
)

const read = weighted(
  [4, sql`SELECT id, name, balance FROM account ORDER BY id`],
  [3, sql`SELECT count(*) FROM ${any('entry', 'rank', 'account', 'shadow.account')}`],
  [1, sql`SELECT name FROM account WHERE id = ${accountId} FOR UPDATE`],
  [1, sql`SELECT 1 / ${any('0', '1', '1')} AS commit`],
  [1, any('SELECT nonsense', 'SELEC 1', 'SELECT 1 FROM nowhere')],
  [2, sql`SELECT name FROM account WHERE balance > ${amount} ORDER BY name LIMIT 2`],
  [3, any('SHOW transaction_read_only', 'SELECT current_user', 'VALUES (1), (2)', 'TABLE rank ORDER BY place')],
  [1, any('COPY (SELECT name FROM account ORDER BY id) TO STDOUT')],
  [
    1,
    any(
      "DO $$ BEGIN RAISE NOTICE 'hello'; END $$",
      "DO $$ BEGIN INSERT INTO account VALUES (1); EXCEPTION WHEN others THEN RAISE WARNING '%', SQLERRM; END $$",
    ),
  ],
)

const definition = any(
  'ALTER TABLE entry ALTER COLUMN note DROP DEFAULT',
  'TRUNCATE entry',
  'CREATE TABLE extra (n int)',
  'DROP TABLE extra',
  'LOCK TABLE account IN SHARE MODE',
)

const modes = any(
  ' READ ONLY',
  ' READ WRITE',
  ' ISOLATION LEVEL READ COMMITTED',
  ' ISOLATION LEVEL REPEATABLE READ',
  ' ISOLATION LEVEL SERIALIZABLE, READ ONLY',
  ' ISOLATION LEVEL SERIALIZABLE READ WRITE NOT DEFERRABLE',
)
/** Behind other statements of its text. */
const beginWithin = sql`${any('BEGIN', 'BEGIN', 'START TRANSACTION')}${any('', '', '', ' READ ONLY', ' READ WRITE')}`
export const begin = weighted(
  [2, any('BEGIN', 'begin work', 'BEGIN TRANSACTION', 'START TRANSACTION', '/* now */ Begin -- so')],
  [1, sql`${any('BEGIN', 'START TRANSACTION')}${modes}`],
)
const chain = any('', '', '', ' AND NO CHAIN', ' AND CHAIN')
const commit = sql`${any('COMMIT', 'END')}${any('', '', ' WORK', ' TRANSACTION')}${chain}`
const rollback = sql`${any('ROLLBACK', 'ABORT')}${any('', '', ' WORK', ' TRANSACTION')}${chain}`
export const end = weighted([3, commit], [1, rollback])
export const makeSavepoint = (name: fc.Arbitrary<string>) => sql`SAVEPOINT ${name}`
export const endSavepoint = (name: fc.Arbitrary<string>) =>
  weighted(
    [3, sql`ROLLBACK${any('', ' WORK')} TO ${any('', 'SAVEPOINT ')}${name}`],
    [2, sql`RELEASE ${any('', 'SAVEPOINT ')}${name}`],
  )
const transactionModes = any(
  'SET TRANSACTION READ ONLY',
  'SET TRANSACTION READ WRITE',
  'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
  'SET default_transaction_read_only = on',
  'RESET default_transaction_read_only',
  'SET LOCAL transaction_read_only = on',
)

const setting = any('app.who', 'work_mem', 'application_name', 'TimeZone', 'search_path')
const assignment = any(
  "app.who = 'gil'",
  "app.who TO 'hal'",
  "work_mem = '5MB'",
  "work_mem = 'lots'",
  "application_name = 'renamed'",
  "TimeZone = 'Asia/Tokyo'",
  'search_path = shadow, public',
  'search_path = public',
  'datestyle = german',
)
export const settings = weighted(
  [6, sql`SET ${any('', '', 'SESSION ', 'LOCAL ', 'LOCAL ')}${assignment}`],
  [1, sql`RESET ${setting}`],
  [1, any('RESET ALL', 'SET LOCAL work_mem TO DEFAULT', 'SET TIME ZONE 3', "SET LOCAL TIME ZONE 'UTC'")],
  [3, sql`SHOW ${setting}`],
  [1, sql`SELECT current_setting('app.who'), current_setting('work_mem')`],
  [3, sql`SELECT set_config('${any('app.who', 'work_mem')}', '${any('7MB', '8MB')}', ${any('true', 'false')})`],
  [1, any('SET ROLE reader', 'SET LOCAL ROLE reader', 'RESET ROLE', 'SET ROLE NONE')],
)

const constraintNames = any('ALL', 'ALL', 'entry_account', 'entry_other', 'rank_place, entry_account')
const constraints = sql`SET CONSTRAINTS ${constraintNames} ${any('DEFERRED', 'IMMEDIATE')}`

const scroll = any('SCROLL', 'NO SCROLL')
export const declare = (name: fc.Arbitrary<string>, holds = any('', '', 'WITH HOLD ')) =>
  sql`DECLARE ${name} ${scroll} CURSOR ${holds}FOR SELECT id, name FROM account ORDER BY id`
export const useCursor = (name: fc.Arbitrary<string>) =>
  weighted(
    [5, sql`${any('FETCH', 'FETCH', 'MOVE')} ${any('NEXT', '2', 'ALL', 'BACKWARD 1')} FROM ${name}`],
    [1, sql`CLOSE ${weighted([4, name], [1, any('p1', 'ALL')])}`],
  )

const onCommit = any('', '', ' ON COMMIT PRESERVE ROWS', ' ON COMMIT DELETE ROWS', ' ON COMMIT DROP')
export const makeTemporary = sql`CREATE TEMP TABLE scratch (n int)${onCommit}`
export const useTemporary = weighted(
  [3, sql`INSERT INTO scratch VALUES (${accountId})`],
  [3, any('SELECT n FROM scratch ORDER BY n')],
  [1, any('DROP TABLE scratch', 'DROP TABLE IF EXISTS scratch')],
)

export const prepareInSql = (name: fc.Arbitrary<string>) =>
  weighted(
    [3, sql`PREPARE ${name} AS ${weighted([1, read], [1, write])}`],
    [1, sql`PREPARE ${name} (int) AS SELECT name FROM account WHERE id = $1`],
  )
export const usePreparedInSql = (name: fc.Arbitrary<string>) =>
  weighted(
    [6, sql`EXECUTE ${name}`],
    [2, sql`EXECUTE ${name} (${accountId})`],
    [1, sql`DEALLOCATE ${weighted([2, name], [1, any('PREPARE s2', 'ALL')])}`],
  )

const discard = any('DISCARD ALL', 'DISCARD PLANS', 'DISCARD SEQUENCES', 'DISCARD TEMP')

/** One statement that may stand anywhere, as a text without a semicolon behind it. */
export const statement = weighted(
  [16, write],
  [10, read],
  [2, definition],
  [9, settings],
  [3, constraints],
  [1, transactionModes],
  [1, weighted([1, useCursor(cursor)], [1, useTemporary], [1, usePreparedInSql(any(...preparedNames, 's3'))])],
)
/** One of those that change where a client stands. */
export const turn = weighted(
  [4, beginWithin],
  [5, end],
  [2, makeSavepoint(savepoint)],
  [2, endSavepoint(savepoint)],
  [1, declare(cursor)],
  [1, prepareInSql(preparedName)],
  [1, discard],
)
export const several = fc
  .tuple(
    fc.array(weighted([8, statement], [1, beginWithin], [1, turn]), { minLength: 2, maxLength: 4 }),
    any('; ', ';', ';;\n'),
    maybe(';'),
  )
  .map(([statements, between, last]) => {
    // The sandbox answers it before it looks at what is deferred to the end of the text.
    if (/^DEALLOCATE|^CLOSE ALL/.test(statements.at(-1)!)) statements.push('SELECT 1')
    return statements.join(between) + last
  })
