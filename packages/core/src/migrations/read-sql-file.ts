import { readFile } from 'node:fs/promises'
import { migrationErrors } from './errors.js'
import { firstInvalidByte } from './text-position.js'

/**
 * Reads an SQL file as UTF-8 and takes off a byte order mark. Throws SQL_NOT_TEXT with the line, for a file in another
 * encoding or with NUL bytes.
 *
 * @param shownAs the file's name in an error
 * @example await readSqlFile('/app/schema.sql', 'schema.sql')
 */
export async function readSqlFile(path: string, shownAs: string): Promise<string> {
  return decodeSql(await readFile(path), shownAs)
}

/** The text of an SQL file's bytes; as `readSqlFile` for one who needs the bytes as well. */
export function decodeSql(bytes: Buffer, shownAs: string): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    const wayOut = saveAsUtf8('UTF-16', shownAs)
    throw migrationErrors.SQL_NOT_TEXT({ file: shownAs, problem: 'is UTF-16, not UTF-8', wayOut })
  }
  const nul = bytes.indexOf(0)
  if (nul !== -1) throw nulByte(shownAs, lineOf(bytes, nul))
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const line = lineOf(bytes, firstInvalidByte(bytes))
    const problem = 'has a byte sequence that is not UTF-8'
    // What it most often is; nothing in the bytes says so.
    const wayOut = saveAsUtf8('WINDOWS-1252', shownAs)
    throw migrationErrors.SQL_NOT_TEXT({ file: shownAs, line, problem, wayOut })
  }
}

/** Of bytes and of text: the protocol ends a statement there. */
export function nulByte(file: string, line: number) {
  return migrationErrors.SQL_NOT_TEXT({
    ...{ file, line, problem: 'has a NUL byte, which PostgreSQL cannot hold' },
    wayOut: 'Remove it. Where there are many, the file is no text, or UTF-16 without a byte order mark.',
  })
}

function saveAsUtf8(encoding: string, file: string): string {
  return `Save the file as UTF-8, for instance with: iconv -f ${encoding} -t UTF-8 ${file}`
}

function lineOf(bytes: Buffer, offset: number): number {
  let line = 1
  for (let at = bytes.indexOf(10); at !== -1 && at < offset; at = bytes.indexOf(10, at + 1)) line++
  return line
}
