import type { ClientBase } from 'pg'
import { copyIn, sendScript, StatementFailure } from './send-script.js'
import { migrationErrors } from './errors.js'
import { alterKnownRoles } from './known-roles.js'
import { psqlParts, type PsqlPart } from './psql-parts.js'
import { nulByte } from './read-sql-file.js'
import { explainFailure } from './sql-failure.js'
import { parseStatements, type SqlStatement } from './sql-statements.js'
import { lineAndColumn } from './text-position.js'

export interface SqlFile {
  /** The file's name as errors show it. */
  file: string
  /** What `readSqlFile` returned. */
  text: string
  /**
   * - `own`: BEGIN, the file, COMMIT. A file's own BEGIN and COMMIT only cause a warning.
   * - `none`: statement by statement, each committed at once, as psql does: for CREATE INDEX CONCURRENTLY.
   * - `script`: as one message, which is a transaction unless it is a single statement that must not be in one.
   * - `caller`: inside a transaction that the caller has begun and will end; BEGIN and COMMIT in the file are refused.
   */
  transaction: 'own' | 'none' | 'script' | 'caller'
  /** Roles that exist already and may be created again; see `alterKnownRoles`. @default none */
  knownRoles?: readonly string[]
  /** Called at the end of an `own` transaction, as the role that the session was opened with: what it writes is committed with the file. */
  note?: () => Promise<void>
}

/**
 * Runs an SQL file, what `pg_dump` writes included, and throws SQL_FAILED with file, line, column and statement.
 *
 * Afterwards the session's settings are what they were before: a dump empties `search_path` for the rest of its
 * session, and the next file would not find its tables. Except for `caller`, role, temporary tables and LISTEN are
 * those of a new session too, so that each file starts as it would under psql.
 *
 * A file is one message to the server, and no parser is needed: a failure says at which character it happened, or else
 * how many statements had been completed. Only then is the file split into statements, to show the one that failed.
 *
 * @example
 * await runSqlFile(client, { file: 'schema.sql', text: await readSqlFile(path, 'schema.sql'), transaction: 'own' })
 */
export async function runSqlFile(client: ClientBase, sql: SqlFile): Promise<void> {
  refuseWhatWouldBeMisread(sql)
  const steps = await stepsOf(sql)
  const before = sql.transaction === 'caller' ? await sessionSettings(client) : undefined
  if (sql.transaction === 'own') await client.query('BEGIN')
  try {
    for (const step of steps) await runStep(client, sql, step)
    if (sql.note) {
      await client.query('RESET SESSION AUTHORIZATION; RESET ROLE')
      await sql.note()
    }
    // a deferred constraint fails only here: no statement is to blame
    if (sql.transaction === 'own') await client.query('COMMIT').catch(error => fail(sql, error))
  } catch (error) {
    if (sql.transaction !== 'caller') {
      await client.query('ROLLBACK').catch(() => {})
      await resetSession(client).catch(() => {})
    }
    throw error
  }
  await (before ? restoreSettings(client, before) : resetSession(client))
}

/** What is sent in one message. */
interface Step {
  text: string
  /** From an offset in `text` to one in the file. */
  original(offset: number): number
  data?: PsqlPart['data']
}

async function runStep(client: ClientBase, sql: SqlFile, step: Step): Promise<void> {
  try {
    if (step.data) await copyIn(client, step.text, sql.text.slice(step.data.start, step.data.end))
    else await sendScript(client, step.text)
  } catch (error) {
    throw await explainFailure(sql, step, error instanceof StatementFailure ? error : new StatementFailure(error, 0))
  }
}

async function fail(sql: SqlFile, error: unknown): Promise<never> {
  throw await explainFailure(sql, undefined, new StatementFailure(error, 0))
}

async function stepsOf(sql: SqlFile): Promise<Step[]> {
  const steps: Step[] = []
  for (const part of psqlParts(sql.file, sql.text)) steps.push(await stepOf(sql, part))
  if (sql.transaction === 'caller') await refuseTransactionControl(sql, steps)
  return sql.transaction === 'none' ? statementByStatement(sql, steps) : steps
}

async function stepOf({ text, knownRoles = [] }: SqlFile, { start, end, data }: PsqlPart): Promise<Step> {
  const part = text.slice(start, end)
  if (data) return { text: part, original: offset => start + offset, data }
  const rewritten = await alterKnownRoles(part, knownRoles)
  return { text: rewritten.text, original: offset => start + rewritten.original(offset) }
}

async function refuseTransactionControl(sql: SqlFile, steps: Step[]): Promise<void> {
  for (const step of steps) {
    // a cheap look: a function's BEGIN and a CASE's END are taken for it too, and only the parser tells
    if (!/\b(begin|start|commit|end|rollback|abort|prepare)\b/i.test(step.text)) continue
    // what the parser refuses, the server refuses too, and says where
    const statements = await parseStatements(step.text).catch(() => [])
    const found = statements.find(transactionControl)
    if (found) throw transactionControlError(sql, step.original(found.start), transactionControl(found)!.name, false)
  }
}

async function statementByStatement(sql: SqlFile, steps: Step[]): Promise<Step[]> {
  const single: Step[] = []
  let openedAt: number | undefined
  for (const step of steps) {
    const statements = step.data ? undefined : await parseStatements(step.text).catch(() => undefined)
    if (!statements) single.push(step)
    for (const statement of statements ?? []) {
      const original = (offset: number) => step.original(statement.start + offset)
      const control = transactionControl(statement)
      if (control) openedAt = control.opens ? original(0) : undefined
      single.push({ text: step.text.slice(statement.start, statement.end), original })
    }
  }
  if (openedAt !== undefined) throw transactionControlError(sql, openedAt, 'BEGIN', true)
  return single
}

function transactionControl({ tree }: SqlStatement): { name: string; opens: boolean } | undefined {
  if (!('TransactionStmt' in tree)) return undefined
  const { kind = '', chain = false } = tree.TransactionStmt
  const name = kind.replace('TRANS_STMT_', '').replaceAll('_', ' ')
  if (['SAVEPOINT', 'RELEASE', 'ROLLBACK TO'].includes(name)) return undefined
  return { name, opens: name === 'BEGIN' || name === 'START' || chain }
}

function transactionControlError({ file, text }: SqlFile, offset: number, statement: string, open: boolean) {
  return migrationErrors.SQL_TRANSACTION_CONTROL({ file, line: lineAndColumn(text, offset).line, statement, open })
}

/** The protocol ends a text at a NUL, and takes bytes for what client_encoding says: both would go wrong in silence. */
function refuseWhatWouldBeMisread({ file, text }: SqlFile): void {
  const nul = text.indexOf('\0')
  if (nul !== -1) throw nulByte(file, lineAndColumn(text, nul).line)
  const encoding = /^[ \t]*set\s+(?:session\s+|local\s+)?client_encoding\s*(?:=|to)\s*'?([\w-]+)/im.exec(text)
  if (encoding && !/^(utf-?8|unicode|sql_ascii)$/i.test(encoding[1]!)) {
    const { line } = lineAndColumn(text, encoding.index)
    throw migrationErrors.SQL_NOT_TEXT({
      ...{ file, line, problem: `says that it is ${encoding[1]}, but is read as UTF-8` },
      wayOut: 'Save the file as UTF-8 and remove the line; pg_dump writes UTF-8 with --encoding=UTF8.',
    })
  }
}

/** RESET ALL leaves the role as it is (guc.c, GUC_NO_RESET_ALL). Prepared statements are the driver's: they stay. */
async function resetSession(client: ClientBase): Promise<void> {
  await client.query('RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; UNLISTEN *; DISCARD TEMP')
}

type Settings = Map<string, string>

async function sessionSettings(client: ClientBase): Promise<Settings> {
  // the role is a setting that the view does not show
  const { rows } = await client.query<{ name: string; setting: string }>(
    `SELECT name, current_setting(name) AS setting FROM pg_settings WHERE source = 'session'
     UNION ALL SELECT 'role', current_setting('role')`,
  )
  return new Map(rows.map(({ name, setting }) => [name, setting]))
}

async function restoreSettings(client: ClientBase, before: Settings): Promise<void> {
  const after = await sessionSettings(client)
  for (const [name, setting] of before) {
    if (after.get(name) !== setting) await client.query('SELECT set_config($1, $2, false)', [name, setting])
  }
  const isNew = [...after.keys()].filter(name => !before.has(name))
  // pg_settings shows a session's own value as reset_val of what it was started with
  if (isNew.length > 0) {
    await client.query('SELECT set_config(name, reset_val, false) FROM pg_settings WHERE name = ANY($1)', [isNew])
  }
}
