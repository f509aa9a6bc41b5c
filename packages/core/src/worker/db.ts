import type { ClientBase, QueryConfig } from 'pg'
import { workerErrors } from './errors.js'

/**
 * The test's client: what it writes is gone when the scope in which it wrote ends. It has the `query` of a `pg` client
 * or pool, so that it can be handed to any code that asks for no more than that.
 */
export interface Db {
  /**
   * Runs a statement on the worker's database. An SQL error does not end the test: the next statement runs as if the
   * failed one had not been sent. BEGIN, COMMIT and ROLLBACK as statements of their own act as they would on a
   * connection of its own, and become savepoints. Query objects (pg-cursor, pg-query-stream) are refused.
   *
   * @throws DB_OUTSIDE_FILE, DB_CONCURRENT, DB_AFTER_TEST, DB_QUERY_OBJECT, TRANSACTION_ENDED, TRANSACTION_UNSUPPORTED,
   * SESSION_LOST; and `pg`'s DatabaseError with the server's SQLSTATE in `code`
   * @example const { rows } = await db.query('select name from author where id = $1', [seeds.author.ada.id])
   */
  query: ClientBase['query']
}

/** One statement with its parameters, whichever of `pg`'s forms it came in. */
export interface Statement {
  text: string
  config: string | QueryConfig
  values: readonly unknown[] | undefined
}

/**
 * Makes `pg`'s `query`, with promise or callback, of a function that runs one statement.
 *
 * @throws DB_QUERY_OBJECT for a pg-cursor or the like, which needs a connection for itself
 */
export function queryFunction(run: (statement: Statement) => Promise<unknown>): ClientBase['query'] {
  function query(config: string | QueryConfig, ...rest: unknown[]) {
    const callback =
      typeof rest.at(-1) === 'function' ? (rest.pop() as (error: unknown, result?: unknown) => void) : null
    const values = rest[0] as readonly unknown[] | undefined
    const text = typeof config === 'string' ? config : config.text
    const caller: { stack?: string } = {}
    Error.captureStackTrace(caller, query)
    const result = (async () => {
      if (typeof config === 'object' && 'submit' in config)
        throw workerErrors.DB_QUERY_OBJECT({ kind: config.constructor.name })
      return run({ text, config, values })
    })().catch((error: Error) => {
      // Statements take turns, which breaks the chain from the error to the line of the test that sent it.
      error.stack = `${error.name}: ${error.message}\n${caller.stack?.split('\n').slice(1).join('\n')}`
      throw error
    })
    if (!callback) return result
    result.then(answer => callback(null, answer), callback)
    return undefined
  }
  return query as ClientBase['query']
}

/** A statement as it may stand in an error: one line, cut short. */
export function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}
