import type { ResolvedEnvironment } from '../resolve/resolve-environment.js'
import { guardErrors } from './errors.js'
import type { Operation } from './gate.js'
import type { Result } from './session.js'

declare const guarded: unique symbol

/**
 * A session that the guard has looked at and let through, for one operation. It is in the database itself, but for `drop`
 * and `create`, which need one beside it. Its search_path is pg_catalog: names of the application are written with their
 * schema. While it is open the database's marker cannot change by a command of Seedbed.
 */
export interface GuardedSession<Allowed extends Operation = Operation> extends AsyncDisposable {
  readonly [guarded]: Allowed
  readonly operation: Allowed
  readonly environment: Pick<ResolvedEnvironment, 'name' | 'tier' | 'protected' | 'badge'>
  /** The base name: `main`. */
  readonly database: string
  /** The database's name on its server: `shop_test`. */
  readonly name: string
  /** @throws what pg throws; GUARD_NOT_GUARDED after it was closed */
  query<Row = unknown>(text: string, values?: unknown[]): Promise<Result<Row>>
  /** Writes into the audit log that it is done, and how many rows it was about. */
  report(rows: number): void
}

/** What the guard knows of a session that it has handed over. */
interface Pass {
  operation: Operation
  open: boolean
}

// Nobody else can put a session in here: a type can be asserted, and an object be copied.
const passes = new WeakMap<object, Pass>()

/**
 * Refuses whatever the guard has not opened for that very operation. Everything destructive begins with it.
 *
 * @throws SeedbedError GUARD_NOT_GUARDED
 * @example
 * export async function reset(session: GuardedSession<'reset'>) {
 *   assertGuarded(session, 'reset')
 * }
 */
export function assertGuarded<Allowed extends Operation>(
  session: unknown,
  operation: Allowed,
): asserts session is GuardedSession<Allowed> {
  const pass = typeof session === 'object' && session !== null ? passes.get(session) : undefined
  const problem = !pass
    ? 'the guard has not opened it'
    : pass.operation !== operation
      ? `it was opened to ${pass.operation}`
      : pass.open
        ? undefined
        : 'it is closed'
  if (problem !== undefined) throw guardErrors.GUARD_NOT_GUARDED({ operation, problem })
}

/** For the guard alone: what it returns is let through by `assertGuarded` until it is closed. */
export function handOver<Allowed extends Operation>(
  parts: Omit<GuardedSession<Allowed>, typeof guarded | typeof Symbol.asyncDispose>,
  close: () => Promise<void>,
): GuardedSession<Allowed> {
  const pass: Pass = { operation: parts.operation, open: true }
  const session = Object.freeze({
    ...parts,
    async query(text: string, values?: unknown[]) {
      assertGuarded(session, parts.operation)
      return parts.query(text, values)
    },
    async [Symbol.asyncDispose]() {
      if (!pass.open) return
      pass.open = false
      await close()
    },
  }) as unknown as GuardedSession<Allowed>
  passes.set(session, pass)
  return session
}
