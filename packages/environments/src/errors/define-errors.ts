/**
 * One kind of error: how it is worded for the details of a case, and what its page under docs/errors says.
 * `example` is a case that `npm run docs` prints on that page and that a test words.
 */
export interface ErrorKind<Details> {
  /** The page's heading: what happened, in general. */
  title: string
  /** Why it happens, as Markdown. */
  why: string
  /** One or two sentences: what happened, to which database, file, line or row. No secrets. */
  message(details: Details): string
  /** The way out, and its cost. */
  hint(details: Details): string
  example: Details
}

/** The one class of error that a user of Seedbed meets. `code` names the page `docs/errors/<code>.md`. */
export class SeedbedError extends Error {
  /** For instance `SEED_UNKNOWN_COLUMN`. */
  declare readonly code: string
  /** What to do; also the last part of `message`, since a test runner prints nothing else. */
  declare readonly hint: string
  constructor(code: string, message: string, hint: string, options?: { cause?: unknown }) {
    // What the server said stands in the message; as a cause, runners would print it again with a stack inside pg.
    const cause = options?.cause instanceof Error && 'severity' in options.cause ? undefined : options
    super(`${message}\n\n  ${hint.replaceAll('\n', '\n  ')}\n  (${code})`, cause)
    // Not enumerable: runners print an error's own enumerable properties below its message, which says it all.
    Object.defineProperties(this, { name: { value: 'SeedbedError' }, code: { value: code }, hint: { value: hint } })
    // Frames would point into Seedbed, where there is nothing to mend; `cause` keeps its own.
    this.stack = `SeedbedError: ${this.message}`
  }
}

type Factories<Kinds> = {
  [Code in keyof Kinds]: Kinds[Code] extends ErrorKind<infer Details>
    ? (details: Details, options?: { cause?: unknown }) => SeedbedError
    : never
}

/** Every kind is one of these: `example` must not narrow what `message` and `hint` take. */
type AnyKind = Omit<ErrorKind<never>, 'example'> & { example: unknown }

/** A room's errors: functions that make them, by code, and the kinds from which the docs are made. */
export function defineErrors<Kinds extends Record<string, AnyKind>>(
  kinds: Kinds,
): { errors: Factories<Kinds>; kinds: Kinds } {
  const errors = Object.fromEntries(
    Object.entries(kinds).map(([code, kind]) => [
      code,
      (details: never, options?: { cause?: unknown }) =>
        new SeedbedError(code, kind.message(details), kind.hint(details), options),
    ]),
  )
  return { errors: errors as Factories<Kinds>, kinds }
}

/**
 * Types a kind by its example, so that `message` and `hint` need no annotations.
 *
 * @example
 * const { errors } = defineErrors({ SEED_EMPTY: kind({ title, why, example: { file: 'a.json' }, message: d => d.file, hint: () => '…' }) })
 */
export function kind<Details>(definition: ErrorKind<Details>): ErrorKind<Details> {
  return definition
}
