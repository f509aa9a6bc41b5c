import { readFile } from 'node:fs/promises'
import { migrationErrors } from './errors.js'

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
    throw migrationErrors.SQL_NOT_TEXT({ file: shownAs, problem: 'is UTF-16, not UTF-8' })
  }
  const nul = bytes.indexOf(0)
  if (nul !== -1) {
    throw migrationErrors.SQL_NOT_TEXT({
      file: shownAs,
      line: lineOf(bytes, nul),
      problem: 'has a NUL byte, which PostgreSQL cannot hold',
    })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const line = lineOf(bytes, firstInvalid(bytes))
    throw migrationErrors.SQL_NOT_TEXT(
      { file: shownAs, line, problem: 'has a byte sequence that is not UTF-8' },
      { cause: error },
    )
  }
}

function lineOf(bytes: Buffer, offset: number): number {
  let line = 1
  for (let at = bytes.indexOf(10); at !== -1 && at < offset; at = bytes.indexOf(10, at + 1)) line++
  return line
}

/** Where the bytes and what they decode to and encode again first differ. */
function firstInvalid(bytes: Buffer): number {
  const again = Buffer.from(bytes.toString('utf8'))
  let at = 0
  while (at < bytes.length && bytes[at] === again[at]) at++
  return at
}
