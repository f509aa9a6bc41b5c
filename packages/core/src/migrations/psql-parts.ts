import { migrationErrors } from './errors.js'
import { isWhole } from './sql-statements.js'
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
 * are left out. Any other psql command is refused. A file without such lines is one part and costs no parser.
 *
 * @example await psqlParts('a.sql', 'copy t from stdin;\n1\n\\.\nselect 1') // two parts, the first with data
 */
export async function psqlParts(file: string, text: string): Promise<PsqlPart[]> {
  const parts: PsqlPart[] = []
  let start = 0
  let searchFrom = 0
  for (;;) {
    const special = nextSpecial(text, searchFrom)
    if (!special) break
    if (!(await isWhole(text.slice(start, special.start)))) {
      searchFrom = special.start + 1
      continue
    }
    if (special.kind === 'copy') {
      parts.push({ start, end: special.start }, { start: special.start, end: special.end, data: special.data })
      start = searchFrom = special.next
    } else if (special.kind === 'setting') {
      parts.push({ start, end: special.end })
      start = searchFrom = special.end
    } else if (/^\\(un)?restrict\b/.test(special.line)) {
      parts.push({ start, end: special.start })
      start = searchFrom = special.next
    } else {
      const { line } = lineAndColumn(text, special.start)
      throw migrationErrors.SQL_PSQL_COMMAND({ file, line, command: special.line.trim() })
    }
  }
  parts.push({ start, end: text.length })
  return parts.filter(part => part.data || /\S/.test(text.slice(part.start, part.end)))
}

type Special =
  | { kind: 'copy'; start: number; end: number; data: { start: number; end: number }; next: number }
  | { kind: 'setting'; start: number; end: number }
  | { kind: 'command'; start: number; line: string; next: number }

/**
 * What psql would not simply pass on, or what changes how the rest is to be read, at or after an offset; perhaps inside
 * a string or a comment, which the caller finds out.
 */
function nextSpecial(text: string, from: number): Special | undefined {
  const found = specialLine(from).exec(text)
  if (!found) return undefined
  const start = found.index
  const end = start + found[0].length
  if (found.groups!['setting']) return { kind: 'setting', start, end }
  const next = lineAfter(text, end)
  if (!found.groups!['copy']) return { kind: 'command', start, line: text.slice(start, next), next }
  const close = endOfData(next).exec(text)
  const dataEnd = close ? close.index : text.length
  return {
    kind: 'copy',
    start,
    end: start + found[0].trimEnd().length,
    data: { start: next, end: dataEnd },
    next: close ? lineAfter(text, dataEnd) : text.length,
  }

  function specialLine(at: number): RegExp {
    // the lookbehind in place of ^, so that a search that starts within a line does not take its rest for a line
    const pattern =
      /(?<=^|\n)(?:(?<command>\\[^\r\n]*)|[ \t]*(?<copy>copy\s[^;]*?\sfrom\s+stdin\b[^;]*;)[ \t]*(?=\r?\n|$)|[ \t]*(?<setting>set\s+(?:session\s+|local\s+)?standard_conforming_strings\s*(?:=|to)\s*'?(?:off|false|no|0)\b[^;]*;))/gi
    pattern.lastIndex = at
    return pattern
  }
  function endOfData(at: number): RegExp {
    const pattern = /(?<=^|\n)\\\.[ \t]*(?=\r?\n|\r?$)/g
    pattern.lastIndex = at
    return pattern
  }
}

function lineAfter(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end + 1
}
