import { readFile } from 'node:fs/promises'
import { firstInvalidByte, lineAndColumn } from '../migrations/text-position.js'
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
  } catch {
    const before = bytes.subarray(0, firstInvalidByte(bytes)).toString('utf8')
    const problem = 'these bytes are not UTF-8, which JSON has to be'
    throw seedErrors.SEED_BROKEN_JSON({ at: source(before).place(before.length), problem })
  }
}
