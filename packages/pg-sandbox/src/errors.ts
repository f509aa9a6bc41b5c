/** One kind of error: how it is worded for the details of a case. No text holds a password. */
interface Kind<Details> {
  /** What happened, and why. */
  message: (details: Details) => string
  /** The way out. */
  hint: (details: Details) => string
}

/** The one class of error that this package throws by itself. `code` is stable and made to be compared. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError'
  readonly code: SandboxErrorCode
  /** What to do; also the last part of `message`, since most programs print nothing else. */
  readonly hint: string
  /** What happened, without what to do. */
  readonly problem: string
  constructor(code: SandboxErrorCode, problem: string, hint: string, options?: { cause?: unknown }) {
    super(`${problem}\n\n  ${hint.replaceAll('\n', '\n  ')}\n  (${code})`, options)
    this.code = code
    this.hint = hint
    this.problem = problem
  }
}

/** What the server reported about a statement of ours. */
export class SandboxServerError extends Error {
  /** SQLSTATE. */
  readonly code: string
  readonly detail: string | undefined
  constructor(fields: Map<string, string>) {
    super(fields.get('M') ?? 'unknown error')
    this.code = fields.get('C') ?? 'XX000'
    this.detail = fields.get('D')
  }
}

const kinds = {
  INVALID_OPTION: kind<{ option: string; problem: string }>({
    message: d => `The option \`${d.option}\` cannot be used: ${d.problem}.`,
    hint: d => `Change \`${d.option}\`.`,
  }),
  CONNECTION_FAILED: kind<{ server: string; reason: string; whenFull?: string | undefined }>({
    message: d => `The sandbox could not open its session on ${d.server}: ${d.reason}`,
    hint: d => d.whenFull ?? 'Check that the server runs, that `url` names it, and that it has a connection to spare.',
  }),
  DATABASE_CHANGED: kind<{ problem: string }>({
    message: d => d.problem,
    hint: () => 'Nothing runs in this database any more. Make it anew.',
  }),
  SESSION_LOST: kind<{ reason: string }>({
    message: d => `The sandbox's session on the server has ended: ${d.reason}`,
    hint: () =>
      'What was written is gone with it. The next test starts on a new session, unless its file or a suite around it has used the old one before its tests: then the next file does.',
  }),
  ESCAPED: kind<{ reason: string }>({
    message: d => `Nothing runs in this sandbox any more: ${d.reason}. What it committed cannot be rolled back.`,
    hint: () =>
      'Make the database anew; and please report the statement, since no statement should be able to do that.',
  }),
  NO_SCOPE: kind<{ call: string }>({
    message: d => `\`${d.call}\` was called, but no scope is entered.`,
    hint: () => 'Every `leave()` belongs to one `enter()`.',
  }),
  CLOSED: kind<undefined>({
    message: () => 'The sandbox is closed.',
    hint: () => 'Open another one with `openSandbox`.',
  }),
}

export type SandboxErrorCode = keyof typeof kinds

type Factories = {
  [Code in SandboxErrorCode]: (typeof kinds)[Code] extends Kind<infer Details>
    ? (details: Details, options?: { cause?: unknown }) => SandboxError
    : never
}

export const errors = Object.fromEntries(
  Object.entries(kinds).map(([code, kind]) => [
    code,
    (details: never, options?: { cause?: unknown }) =>
      new SandboxError(code as SandboxErrorCode, kind.message(details), kind.hint(details), options),
  ]),
) as Factories

function kind<Details>(definition: Kind<Details>): Kind<Details> {
  return definition
}

/** An AggregateError, one attempt for each address, has no text of its own. */
export function reasonOf(error: unknown): string {
  const { message, errors: attempts } = error as Error & { errors?: Error[] }
  return message || attempts?.[0]?.message || String(error)
}

/** PgBouncer's words for its own limits, and the server's, whose code it does not hand on. */
const fullPooler = /max_client_conn|query_wait_timeout|too many (connections|clients)|connection slots are reserved/

/** Whether the server, or PgBouncer before it, has no connection left. */
export function isFull(error: unknown): boolean {
  const { code, message = '' } = (error ?? {}) as { code?: string; message?: string }
  return code === '53300' || fullPooler.test(message)
}

/** An error as it can be handed from a thread to another. */
export interface ErrorParts {
  name: string
  problem: string
  code: string
  hint: string
}

export function partsOf(error: Error & Partial<ErrorParts>): ErrorParts {
  const { name, problem = error.message, code = '', hint = '' } = error
  return { name, problem, code, hint }
}

export function errorFrom({ name, problem, code, hint }: ErrorParts): Error {
  if (name !== 'SandboxError') return new SandboxServerError(new Map([['M', problem], ['C', code]])) // prettier-ignore
  return new SandboxError(code as SandboxErrorCode, problem, hint)
}
