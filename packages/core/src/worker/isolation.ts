import type { Isolation } from '../config/config.js'
import { workerErrors } from './errors.js'
import { openedScopes, type WorkerScopes } from './scopes.js'

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
  if (define) return under(scopes, isolation, define)
  blocksOf(scopes, isolation).declare(isolation)
}

/** The same function, and those that it has or returns; what they define is of this isolation. */
function under(scopes: WorkerScopes, isolation: Isolation, define: Definer, owner?: object): Definer {
  return new Proxy(define, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? under(scopes, isolation, value as Definer, target) : value
    },
    apply(target, self, all) {
      const { entries } = blocksOf(scopes, isolation)
      const before = entries().length
      const result: unknown = Reflect.apply(target, owner ?? self, all)
      for (const entry of entries().slice(before)) scopes.declared.set(entry, isolation)
      return typeof result === 'function' ? under(scopes, isolation, result as Definer) : result
    },
  })
}

/** While a file is being read, and not while its tests run. */
function blocksOf(scopes: WorkerScopes, isolation: Isolation) {
  if (!scopes.blocks) throw workerErrors.ISOLATION_TOO_LATE({ isolation })
  const read = scopes.blocks
  return {
    entries: () => read().entries,
    declare(isolation: Isolation) {
      const { block } = read()
      if (block) scopes.declared.set(block, isolation)
      else scopes.ofFile = isolation
    },
  }
}
