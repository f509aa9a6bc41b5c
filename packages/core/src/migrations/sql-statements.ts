import type { Node } from 'libpg-query'
import { bytesToOffsets } from './text-position.js'

/** One statement of a text, without its semicolon and the white space and comments in front of it. */
export interface SqlStatement {
  start: number
  end: number
  /** PostgreSQL's own parse tree; locations in it are bytes of UTF-8 from the start of the text. */
  tree: Node
}

/**
 * Splits a text into its statements with PostgreSQL's own parser: dollar quotes, `BEGIN ATOMIC` and nested comments are
 * what the server takes them for. The parser is WebAssembly and costs about 40 ms to load: call this only when needed.
 * Throws the parser's `SqlError` for a text that PostgreSQL 18 would not parse.
 *
 * @example await parseStatements('select 1; select 2') // [{ start: 0, end: 8, … }, { start: 10, end: 18, … }]
 */
export async function parseStatements(text: string): Promise<SqlStatement[]> {
  if (isBlank(text)) return []
  const { parse } = await import('libpg-query')
  const { stmts = [] } = await parse(text)
  const offsetOf = bytesToOffsets(text)
  return stmts.map(({ stmt, stmt_location = 0, stmt_len }) => {
    const start = offsetOf(stmt_location)
    // no length: up to the end of the text (parsenodes.h, RawStmt)
    return { start, end: stmt_len ? offsetOf(stmt_location + stmt_len) : text.length, tree: stmt! }
  })
}

/** The parser refuses to parse nothing. */
function isBlank(text: string): boolean {
  return /^\s*$/.test(text)
}
