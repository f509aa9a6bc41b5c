/** One kind of error: how it is worded for the details of a case. No text holds a password. */
interface Kind<Details> {
  /** What happened, to which database, and why. */
  message: (details: Details) => string
  /** The way out. */
  hint: (details: Details) => string
}

/** The one class of error that this package throws by itself. `code` is stable and made to be compared. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly code: TemplateErrorCode
  /** What to do; also the last part of `message`, since most programs print nothing else. */
  readonly hint: string
  constructor(code: TemplateErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(`${message}\n\n  ${hint.replaceAll('\n', '\n  ')}\n  (${code})`, options)
    this.code = code
    this.hint = hint
  }
}

const kinds = {
  INVALID_OPTION: kind<{ option: string; problem: string }>({
    message: d => `The option \`${d.option}\` cannot be used: ${d.problem}.`,
    hint: d => `Change \`${d.option}\`.`,
  }),
  CONNECTION_FAILED: kind<{ database: string; server: string; reason: string }>({
    message: d => `No session could be opened in the database "${d.database}" on ${d.server}: ${d.reason}`,
    hint: () => 'Check that the server runs, that `url` names it, and that it has connections to spare.',
  }),
  REGISTRY_NOT_OURS: kind<{ registry: string; found: string }>({
    message: d =>
      `The database "${d.registry}" is not a registry of pg-template-db: it holds ${d.found}, for instance. It was not touched.`,
    hint: () => 'Give another name with the option `registry`.',
  }),
  REGISTRY_FORMAT: kind<{ registry: string; found: number; known: number }>({
    message: d =>
      `The registry "${d.registry}" has format ${d.found}; this version of pg-template-db knows format ${d.known}.`,
    hint: () => 'Use the same version of pg-template-db everywhere, or give another name with the option `registry`.',
  }),
  REGISTRY_FORBIDDEN: kind<{ registry: string; role: string; reason: string }>({
    message: d => `The role "${d.role}" may not use the registry "${d.registry}": ${d.reason}`,
    hint: () =>
      'A registry belongs to the role that made it. Use the same role, or give each role a registry of its own with the option `registry`.',
  }),
  CREATE_FAILED: kind<{ database: string; role: string; owner: string; reason: string }>({
    message: d => `The database "${d.database}" could not be created by the role "${d.role}": ${d.reason}`,
    hint: d =>
      d.role === d.owner
        ? `If it is a right that is missing: ALTER ROLE "${d.role}" CREATEDB.`
        : `If it is a right that is missing: ALTER ROLE "${d.role}" CREATEDB; GRANT "${d.owner}" TO "${d.role}".`,
  }),
  BUILD_LEFT_SESSIONS: kind<{ database: string; key: string; sessions: string[] }>({
    message: d =>
      `build() of the template "${d.key}" is done, but there are still sessions in its database ${d.database}:\n${d.sessions.map(session => `  - ${session}`).join('\n')}`,
    hint: () =>
      'Close every client and pool, and wait for it, before build() resolves: a template that someone still writes to cannot be cloned.',
  }),
  DETAILS_NOT_JSON: kind<{ key: string; reason: string }>({
    message: d => `What build() of the template "${d.key}" returned cannot be kept as JSON: ${d.reason}`,
    hint: () => 'Return plain objects, arrays, strings, finite numbers, booleans and null.',
  }),
  SEQUENCES_FORBIDDEN: kind<{ database: string; key: string; reason: string }>({
    message: d => `The sequences of the template "${d.key}" (${d.database}) cannot be read and set back: ${d.reason}`,
    hint: () => 'Let the role of `url` own them, or be a member of their owner, or have SELECT and UPDATE on them.',
  }),
  SETTING_REFUSED: kind<{ database: string; statement: string; reason: string }>({
    message: d =>
      `The clone ${d.database} cannot be given a setting or grant of its template (${d.statement}): ${d.reason}`,
    hint: () =>
      'Give the role of `url` the right that the statement needs (for a parameter: GRANT SET ON PARAMETER … TO …), or leave the statement out of build().',
  }),
  TEMPLATE_NOT_LEASED: kind<{ database: string }>({
    message: d => `The template ${d.database} is not leased here, so that it could be dropped at any moment.`,
    hint: () => 'Call ensure() on the same handle first, and use what it returns.',
  }),
  TEMPLATE_GONE: kind<{ database: string; key: string; reason: string }>({
    message: d => `The template "${d.key}" (${d.database}) can no longer be cloned: ${d.reason}`,
    hint: () => 'Somebody dropped or changed it by hand. Call ensure() again: it is built anew.',
  }),
  DROP_REFUSED: kind<{ database: string; reason: string }>({
    message: d => `The database ${d.database} was not dropped: ${d.reason}`,
    hint: () => 'It stays in the registry; list it with sweep(), which tries again, and mend the reason.',
  }),
  KEEP_FAILED: kind<{ database: string; reason: string }>({
    message: d => `The database ${d.database} cannot be kept: ${d.reason}`,
    hint: () => 'Close every session in it first, and keep it before it is released.',
  }),
  COPY_REFUSED: kind<{ database: string; reason: string }>({
    message: d => `The database ${d.database} cannot be copied: ${d.reason}`,
    hint: () => 'Close every session in it first, end what is prepared, and copy it before it is released.',
  }),
  NOT_KEPT: kind<{ database: string; registry: string }>({
    message: d => `The registry "${d.registry}" knows no database "${d.database}" that is kept.`,
    hint: () => 'listKept() names those that are.',
  }),
  LEASE_LOST: kind<{ registry: string; reason: string }>({
    message: d =>
      `The session in the registry "${d.registry}" that holds the leases is lost (${d.reason}). Other processes may now drop the clones.`,
    hint: () => 'Nothing that was handed out may be used further. Call openTemplates() again.',
  }),
  CLOSED: kind<undefined>({
    message: () => 'These templates have been closed.',
    hint: () => 'Call openTemplates() again.',
  }),
}

export type TemplateErrorCode = keyof typeof kinds

type Factories = {
  [Code in TemplateErrorCode]: (typeof kinds)[Code] extends Kind<infer Details>
    ? (details: Details, options?: { cause?: unknown }) => TemplateError
    : never
}

/** Functions that make the errors, by code: `throw errors.CLOSED(undefined)`. */
export const errors = Object.fromEntries(
  Object.entries(kinds).map(([code, { message, hint }]) => [
    code,
    (details: never, options?: { cause?: unknown }) =>
      new TemplateError(code as TemplateErrorCode, message(details), hint(details), options),
  ]),
) as Factories

/** The message of whatever was thrown; PostgreSQL's errors with their detail, which names who is in the way. */
export function reasonOf(error: unknown): string {
  // A host with several addresses fails with an error for each.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ')
  if (!(error instanceof Error)) return String(error)
  const detail = (error as { detail?: unknown }).detail
  return typeof detail === 'string' ? `${error.message} (${detail})` : error.message || error.name
}

/** The SQLSTATE of an error that the server sent, https://www.postgresql.org/docs/current/errcodes-appendix.html. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

function kind<Details>(definition: Kind<Details>): Kind<Details> {
  return definition
}
