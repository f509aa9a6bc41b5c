import type { SeedbedError } from '@seedbed/environments/errors'
import { migrationErrors } from './errors.js'
import type { StatementFailure } from './send-script.js'
import { parseStatements, type SqlStatement } from './sql-statements.js'
import { excerpt, lineAndColumn, offsetOfCharacter } from './text-position.js'

/** The fields of an error response (manual 54.8); all missing if the connection failed. */
interface ServerError {
  message: string
  code?: string
  detail?: string
  hint?: string
  where?: string
  position?: string
  internalPosition?: string
  internalQuery?: string
}

/** The stretch of a file that failed, as it was sent. */
interface FailedStep {
  text: string
  original(offset: number): number
  data?: { start: number; end: number } | undefined
}

/** Words a failure for people: finds the statement and its place in the file. Without a step no place is known. */
export async function explainFailure(
  sql: { file: string; text: string; transaction: string },
  step: FailedStep | undefined,
  failure: StatementFailure,
): Promise<SeedbedError> {
  const error = failure.cause as ServerError
  const place = step && (await findPlace(sql.text, step, failure.completed, error))
  return migrationErrors.SQL_FAILED(
    {
      file: sql.file,
      ...(place ? { ...lineAndColumn(sql.text, place.caret), excerpt: excerpt(sql.text, place) } : {}),
      message: step ? error.message : `${error.message}, when the file was done and committed`,
      code: error.code,
      detail: error.detail,
      hint: error.hint,
      where: error.where,
      internal: internalStatement(error),
      outsideTransaction: sql.transaction === 'none' ? undefined : outsideTransaction,
    },
    { cause: error },
  )
}

const outsideTransaction =
  'Put the line `-- seedbed: no transaction` at the top of the file: its statements then run one by one, each ' +
  'committed at once.'

async function findPlace(text: string, step: FailedStep, completed: number, error: ServerError) {
  const dataLine = step.data && /\bline (\d+)/.exec(error.where ?? '')
  if (step.data && dataLine) {
    const start = startOfLine(text, step.data.start, Number(dataLine[1]))
    return { start, end: start, caret: start }
  }
  const at = error.position ? offsetOfCharacter(step.text, Number(error.position) - 1) : undefined
  const statement = await failedStatement(step.text, completed, at)
  const start = at ?? statement?.start
  if (start === undefined) return undefined
  const caret = step.original(start)
  return {
    start: statement ? step.original(statement.start) : caret,
    end: statement ? step.original(statement.end) : caret,
    caret,
  }
}

/** A syntax error has a place, but leaves nothing that could be split. */
async function failedStatement(
  text: string,
  completed: number,
  at: number | undefined,
): Promise<SqlStatement | undefined> {
  const statements = await parseStatements(text).catch(() => [])
  if (at === undefined) return statements[completed]
  return statements.find(({ start, end }) => start <= at && at <= end)
}

function startOfLine(text: string, from: number, line: number): number {
  let start = from
  for (let number = 1; number < line; number++) start = text.indexOf('\n', start) + 1 || text.length
  return start
}

function internalStatement({ internalQuery, internalPosition }: ServerError): string | undefined {
  if (!internalQuery) return undefined
  const caret = internalPosition ? offsetOfCharacter(internalQuery, Number(internalPosition) - 1) : 0
  return `Inside:\n${excerpt(internalQuery, { start: 0, end: internalQuery.length, caret })}`
}
