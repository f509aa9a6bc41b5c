import type { Seeds } from '../seeds/seed-types.js'
import { db, seeds } from './current.js'
import type { Db } from './db.js'
import { isolation } from './isolation.js'

/** What test files have of their worker. */
export interface TestHandle {
  db: Db
  seeds: Seeds
  isolation: typeof isolation
}

/** The global object of a vm context, with constructors of its own. */
type Realm = Pick<typeof globalThis, 'Array' | 'Date' | 'Error' | 'Object'>

/**
 * Hands `db`, `seeds` and `isolation` to the test files of a vm context, which find them by a symbol; and what an adapter adds.
 *
 * @example handTo(vmContext, { open })
 */
export function handTo(realm: Realm, more: object): void {
  Object.assign(realm, { [Symbol.for('seedbed.worker')]: { ...handleFor(realm), ...more } })
}

/**
 * `db` and `seeds` for test files that run in a vm context: `toStrictEqual` and `instanceof` tell its objects, arrays, dates and
 * errors from those of the realm in which the connection lives. So what comes from there is made anew here.
 */
function handleFor(realm: Realm): TestHandle {
  function here<Value>(value: Value): Value
  function here(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return realm.Array.from(value, here)
    if (value instanceof Date) return new realm.Date(value.getTime())
    if (Object.getPrototypeOf(value) !== Object.prototype) return value
    return realm.Object.fromEntries(Object.entries(value).map(([key, each]) => [key, here(each as unknown)]))
  }
  const hereResult = <Result>(result: Result): Result => {
    for (const each of [result].flat() as { rows: unknown[] }[]) each.rows = here(each.rows)
    return here(result)
  }
  // With what is not enumerable: the code, the stack.
  const hereError = (error: Error) =>
    Object.defineProperties(new realm.Error(error.message), {
      ...Object.getOwnPropertyDescriptors(error),
      name: { value: error.name },
    })

  function query(...all: unknown[]): unknown {
    const callback = typeof all.at(-1) === 'function' ? (all.pop() as (...result: unknown[]) => void) : undefined
    const result: unknown = Reflect.apply(db.query, db, all)
    // A cursor, or a stream of rows: it was made in that context.
    if (!(result instanceof Promise)) return result
    const inRealm = result.then(hereResult, (error: Error) => Promise.reject(hereError(error)))
    if (callback) inRealm.then(answer => callback(null, answer), callback)
    return callback ? undefined : inRealm
  }
  const tables = new Map<string | symbol, unknown>()
  function tableHere(name: string | symbol): unknown {
    if (!tables.has(name)) tables.set(name, here(Reflect.get(seeds, name) as unknown))
    return tables.get(name)
  }
  return {
    db: { query: query as Db['query'] },
    seeds: new Proxy(seeds, { get: (_, table) => tableHere(table) }),
    isolation,
  }
}
