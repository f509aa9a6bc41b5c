import { readFile } from 'node:fs/promises'
import { lineAndColumn } from '../migrations/text-position.js'
import { seedErrors } from './errors.js'
import type { SeedSource } from './seed-rows.js'

/**
 * Reads a file as UTF-8, with or without a byte order mark. Throws SEED_BROKEN_JSON with line and column for any other
 * encoding.
 *
 * @param shown the file's name in errors
 * @example (await readJsonSource('/app/seeds/users.json', 'seeds/users.json')).place(0) // 'seeds/users.json:1:1'
 */
export async function readJsonSource(file: string, shown: string): Promise<SeedSource> {
  const bytes = await readFile(file)
  const source = (text: string): SeedSource => ({
    text,
    place(offset) {
      const { line, column } = lineAndColumn(text, offset)
      return `${shown}:${line}:${column}`
    },
  })
  try {
    return source(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    const before = bytes.subarray(0, firstInvalid(bytes)).toString('utf8')
    const problem = 'these bytes are not UTF-8, which JSON has to be'
    throw seedErrors.SEED_BROKEN_JSON({ at: source(before).place(before.length), problem }, { cause: error })
  }
}

/** Where the bytes and what they decode to and encode again first differ. */
function firstInvalid(bytes: Buffer): number {
  const again = Buffer.from(bytes.toString('utf8'))
  let at = 0
  while (at < bytes.length && bytes[at] === again[at]) at++
  return at
}
