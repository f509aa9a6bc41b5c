import type { QueryConfig, QueryResult, QueryResultRow } from 'pg'

/** The test's client: what it writes is gone when the scope in which it wrote ends. */
export interface Db {
  /**
   * Runs a statement on the worker's database, like `query` of a `pg` client or pool. An SQL error does not end the
   * test: the next statement runs as if the failed one had not been sent. BEGIN, COMMIT and ROLLBACK as statements of
   * their own act as they would on a connection of its own, and become savepoints.
   *
   * @throws DB_OUTSIDE_FILE, DB_CONCURRENT, DB_AFTER_TEST, TRANSACTION_ENDED, TRANSACTION_UNSUPPORTED, SESSION_LOST;
   * and `pg`'s DatabaseError with the server's SQLSTATE in `code`
   * @example const { rows } = await db.query('select name from author where id = $1', [seeds.author.ada.id])
   */
  query<Row extends QueryResultRow = QueryResultRow>(
    text: string | QueryConfig,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>
}

/** A statement as it may stand in an error: one line, cut short. */
export function shortened(text: string | QueryConfig): string {
  const line = (typeof text === 'string' ? text : text.text).replaceAll(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}
