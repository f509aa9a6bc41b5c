import { sizeInWords } from '@seedbed/core'
import type { Contents } from '@seedbed/environments/guard'
import { plain } from './print.js'

/** What is in a database, for somebody who has to recognise it. */
export function contentsLines({ tables, rows, bytes, largest, lastUsed, sessions }: Contents): string[] {
  return [
    `${tables} tables, about ${rows} rows, ${sizeInWords(bytes)}; ${sessions} other sessions; last used ${lastUsed ?? 'nobody knows when'}`,
    ...largest.map(({ table, rows, bytes }) => `  ${plain(table)}: about ${rows} rows, ${sizeInWords(bytes)}`),
  ]
}
