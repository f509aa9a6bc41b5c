import { printParseErrorCode, visit, type JSONVisitor } from 'jsonc-parser'
import { seedErrors } from './errors.js'
import type { SeedRow, SeedSource, SeedTable } from './seed-rows.js'

/**
 * Reads a JSON seed, `{ "table": [row, …] }` or with labels `{ "table": { "label": row } }`, without making values of
 * it: only the place of each row and the names of its columns. Strictly JSON: comments, trailing commas and names that
 * stand twice are errors. A `"$schema"` with a string is for editors, and passed over.
 *
 * @throws SEED_BROKEN_JSON, SEED_WRONG_SHAPE, SEED_DUPLICATE_NAME, each with line and column
 * @example parseSeedJson({ text: '{"users": [{"id": 1}]}', place: offset => `users.json:1:${offset + 1}` })
 */
export function parseSeedJson(source: SeedSource): SeedTable[] {
  const tables: SeedTable[] = []
  const shapes = new Map<string, readonly string[]>()
  /** What a value that begins here is: 0 the file, 1 a table, 2 a row, 3 and deeper a column's value. */
  let level = 0
  let labelled = false
  let rowStart = 0
  /** Where the innermost object or list begins. */
  let opened = 0
  /** The names of the open objects, per level, and where they stand. */
  const names: Names[] = [emptyNames(), emptyNames(), emptyNames()]

  const visitor: JSONVisitor = {
    onError(code, offset) {
      throw seedErrors.SEED_BROKEN_JSON({ at: source.place(offset), problem: problemOf(printParseErrorCode(code)) })
    },
    onObjectBegin(offset) {
      if (level === 2) rowStart = offset
      else if (level === 1) openTable(true)
      if (level < 3) names[level] = emptyNames()
      level++
      opened = offset
    },
    onArrayBegin(offset) {
      if (level === 1) openTable(false)
      else if (level < 3) throw wrongShape(offset, 'a list')
      level++
      opened = offset
    },
    onObjectProperty(name, offset) {
      // names within a value are its column's business: `json` keeps doubled ones
      if (level > 3) return
      const { all, offsets } = names[level - 1]!
      const first = all.indexOf(name)
      if (first !== -1) {
        const what = level === 1 ? 'table' : level === 2 ? 'label' : 'column'
        throw seedErrors.SEED_DUPLICATE_NAME({
          at: source.place(offset),
          what,
          name,
          first: source.place(offsets[first]!),
        })
      }
      all.push(name)
      offsets.push(offset)
    },
    onLiteralValue(value, offset) {
      if (level >= 3 || (level === 1 && isSchemaOfEditors(value))) return
      throw wrongShape(offset, value === null ? 'null' : `a ${typeof value}`)
    },
    onObjectEnd(offset) {
      level--
      if (level === 2) tables.at(-1)!.rows.push(rowUpTo(offset + 1))
    },
    onArrayEnd() {
      level--
    },
  }
  try {
    visit(source.text, visitor, { disallowComments: true, allowTrailingComma: false })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // The parser calls itself for each level; the server's own parser ends at some thousands, too.
    const problem = 'lists or objects lie too deep in each other here'
    throw seedErrors.SEED_BROKEN_JSON({ at: source.place(opened), problem })
  }
  return tables

  function isSchemaOfEditors(value: unknown): boolean {
    return typeof value === 'string' && names[0]!.all.at(-1) === '$schema'
  }
  function openTable(withLabels: boolean): void {
    const { all, offsets } = names[0]!
    labelled = withLabels
    tables.push({ name: all.at(-1)!, source, offset: offsets.at(-1)!, rows: [] })
  }
  function rowUpTo(end: number): SeedRow {
    const columns = names[2]!.all
    const key = JSON.stringify(columns)
    const shared = shapes.get(key)
    if (!shared) shapes.set(key, columns)
    const row = { source, start: rowStart, end, columns: shared ?? columns }
    return labelled ? { ...row, label: names[1]!.all.at(-1)! } : row
  }
  function wrongShape(offset: number, found: string) {
    const table = names[0]!.all.at(-1)
    const wanted =
      level === 0
        ? 'the file to be an object of tables, { "table": [row, …] }'
        : level === 1
          ? `"${table}" to be a list of rows, [row, …], or rows by label, { "label": row }`
          : labelled
            ? `label "${names[1]!.all.at(-1)}" of "${table}" to be a row, { "column": value }`
            : `an element of "${table}" to be a row, { "column": value }`
    return seedErrors.SEED_WRONG_SHAPE({ at: source.place(offset), wanted, found })
  }
}

interface Names {
  all: string[]
  offsets: number[]
}

function emptyNames(): Names {
  return { all: [], offsets: [] }
}

function problemOf(code: string): string {
  return problems[code] ?? `it is not JSON (${code})`
}

const problems: Record<string, string> = {
  InvalidSymbol: 'this is neither a string, a number, true, false nor null',
  InvalidNumberFormat: 'a number that is not finished or not written as JSON has it',
  PropertyNameExpected: 'a name in double quotes is missing (or the comma before it is one too many)',
  ValueExpected: 'a value is missing (or the comma before it is one too many)',
  ColonExpected: 'a colon is missing here',
  CommaExpected: 'a comma is missing here',
  CloseBraceExpected: 'the closing } is missing',
  CloseBracketExpected: 'the closing ] is missing',
  EndOfFileExpected: 'something stands after the end of the JSON value',
  InvalidCommentToken: 'a comment; JSON has none',
  UnexpectedEndOfComment: 'a comment; JSON has none',
  UnexpectedEndOfString: 'a string that is not closed on its line',
  UnexpectedEndOfNumber: 'a number that is not finished',
  InvalidUnicode: 'a \\u in a string that is not followed by four hexadecimal digits',
  InvalidEscapeCharacter: 'a backslash in a string that begins no escape of JSON',
  InvalidCharacter: 'a control character in a string; write it as \\n, \\t or \\u00…',
}
