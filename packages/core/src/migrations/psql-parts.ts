import { migrationErrors } from './errors.js'
import { lexemesOf } from './sql-lexemes.js'
import { lineAndColumn } from './text-position.js'

/** A stretch of a file that is sent to the server as it is, or a COPY statement with the data that follows it. */
export interface PsqlPart {
  /** Offsets in the file's text. */
  start: number
  end: number
  /** For `COPY … FROM stdin;`: the lines up to `\.` */
  data?: { start: number; end: number }
}

/**
 * Cuts a file into what the server understands. `pg_dump` writes for `psql`, which is a little more than SQL:
 * `COPY … FROM stdin;` with the data in the following lines, and since August 2025 `\restrict` and `\unrestrict`, which
 * are left out. Any other psql command is refused. A part ends too where backslashes in strings get another meaning:
 * the server reads a whole message before it runs the first statement of it.
 *
 * @example psqlParts('a.sql', 'copy t from stdin;\n1\n\\.\nselect 1') // two parts, the first with data
 */
export function psqlParts(file: string, text: string): PsqlPart[] {
  const parts: PsqlPart[] = []
  let start = 0
  let lexemes = lexemesOf(text, start, false)
  let searchFrom = 0
  for (let special = nextSpecial(text, 0); special; special = nextSpecial(text, searchFrom)) {
    const inside = lexemes.insideUntil(special.start)
    if (inside !== undefined) {
      searchFrom = inside
      continue
    }
    if (special.kind === 'copy') {
      parts.push({ start, end: special.start }, { start: special.start, end: special.end, data: special.data })
    } else if (special.kind === 'setting') {
      parts.push({ start, end: special.next })
    } else if (/^\\(un)?restrict\b/.test(special.command)) {
      parts.push({ start, end: special.start })
    } else {
      const { line } = lineAndColumn(text, special.start)
      throw migrationErrors.SQL_PSQL_COMMAND({ file, line, command: special.command })
    }
    start = searchFrom = special.next
    lexemes = lexemesOf(text, start, special.kind === 'setting')
  }
  parts.push({ start, end: text.length })
  return parts.filter(part => part.data || /\S/.test(text.slice(part.start, part.end)))
}

type Special =
  | { kind: 'copy'; start: number; end: number; data: { start: number; end: number }; next: number }
  | { kind: 'setting'; start: number; next: number }
  | { kind: 'command'; start: number; command: string; next: number }

/** The lookbehind in place of ^, so that a search that starts within a line does not take its rest for a line. */
const specialLine = new RegExp(
  [
    String.raw`(?<=^|\n)(?:[ \t]*(?<command>\\[^\r\n]*)`,
    String.raw`[ \t]*(?<copy>copy\s[^;]*?\sfrom\s+stdin\b[^;]*;)[ \t]*(?=\r?\n|$)`,
    String.raw`[ \t]*(?<setting>set\s+(?:session\s+|local\s+)?standard_conforming_strings\s*(?:=|to)\s*'?(?:off|false|no|0)\b[^;]*;))`,
  ].join('|'),
  'gi',
)
const endOfData = /(?<=^|\n)\\\.[ \t]*(?=\r?\n|\r?$)/g

/** What psql would not simply pass on; perhaps inside a string or a comment, which the caller finds out. */
function nextSpecial(text: string, from: number): Special | undefined {
  specialLine.lastIndex = from
  const found = specialLine.exec(text)
  if (!found) return undefined
  const start = found.index
  const end = start + found[0].length
  if (found.groups!['setting']) return { kind: 'setting', start, next: end }
  const next = lineAfter(text, end)
  if (!found.groups!['copy']) return { kind: 'command', start, command: found[0].trim(), next }
  endOfData.lastIndex = next
  const close = endOfData.exec(text)
  const dataEnd = close ? close.index : text.length
  return {
    kind: 'copy',
    start,
    end: start + found[0].trimEnd().length,
    data: { start: next, end: dataEnd },
    next: close ? lineAfter(text, dataEnd) : text.length,
  }
}

function lineAfter(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end + 1
}
