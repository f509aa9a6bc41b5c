import type { Isolation } from '../config/config.js'
import type { Declared } from './declared.js'
import { workerErrors } from './errors.js'
import { openedScopes } from './scopes.js'

/** A runner's function that defines tests or suites, such as `test`, `describe.each`, `test.concurrent.only`. */
type Definer = (...all: never[]) => unknown

const known: readonly Isolation[] = ['transaction', 'restore', 'database']

/**
 * Says under which isolation tests run; of several that hold for a test the innermost counts, and else the config's.
 *
 * On a line of its own it holds for the file or `describe` in which it stands. With the runner's own `test` or `describe` it returns
 * the same for this isolation, with all that belongs to it (`.each`, `.only`, `.concurrent`, …).
 *
 * @throws ISOLATION_UNKNOWN, ISOLATION_TOO_LATE, DB_OUTSIDE_RUN
 * @example
 * isolation('restore')
 * isolation('database', test)('adds a column', async () => { … })
 */
export function isolation(isolation: Isolation): void
export function isolation<Define extends Definer>(isolation: Isolation, define: Define): Define
export function isolation(isolation: Isolation, define?: Definer): Definer | void {
  if (!known.includes(isolation)) throw workerErrors.ISOLATION_UNKNOWN({ found: isolation, known: [...known] })
  const scopes = openedScopes()
  if (!scopes) throw workerErrors.DB_OUTSIDE_RUN({ what: 'isolation' })
  const { declared } = scopes
  const read = whileReading(declared, isolation)
  if (define) return under(declared, isolation, define)
  declared.declare(read().block, isolation)
}

/** The same function, and those that it has or returns; what they define is of this isolation. */
function under(declared: Declared, isolation: Isolation, define: Definer, owner?: object): Definer {
  return new Proxy(define, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? under(declared, isolation, value as Definer, target) : value
    },
    apply(target, self, all) {
      const read = whileReading(declared, isolation)
      const before = read().entries.length
      const result: unknown = Reflect.apply(target, owner ?? self, all)
      for (const entry of read().entries.slice(before)) declared.declare(entry, isolation)
      return typeof result === 'function' ? under(declared, isolation, result as Definer) : result
    },
  })
}

function whileReading({ blocks }: Declared, isolation: Isolation) {
  if (!blocks) throw workerErrors.ISOLATION_TOO_LATE({ isolation })
  return blocks
}
