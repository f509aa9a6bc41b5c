import { getNodeValue, parseTree } from 'jsonc-parser'
import type { SeedRow } from './seed-rows.js'

/** One value of a row: where its name and itself stand in the source, and its text. */
export interface RowValue {
  nameOffset: number
  offset: number
  /** JSON as written. */
  text: string
}

/** The values of a row by column. Only for what has to look closer: loading sends the row's text as it is. */
export function rowValues(row: SeedRow): Map<string, RowValue> {
  const text = rowText(row)
  const values = new Map<string, RowValue>()
  for (const property of parseTree(text)!.children!) {
    const [name, value] = property.children! as [name: Node, value: Node]
    values.set(getNodeValue(name) as string, {
      nameOffset: row.start + name.offset,
      offset: row.start + value.offset,
      text: text.slice(value.offset, value.offset + value.length),
    })
  }
  return values
}

type Node = NonNullable<ReturnType<typeof parseTree>>

export function rowText(row: SeedRow): string {
  return row.source.text.slice(row.start, row.end)
}

/** A value's JSON as it would be written in a sentence: strings without escapes but for control characters, long ones cut. */
export function shownValue(json: string): string {
  const shown = json.startsWith('"') ? `"${printable(String(JSON.parse(json)))}"` : json.replaceAll(/\s+/g, ' ')
  return shown.length > 80 ? `${shown.slice(0, 79)}…` : shown
}

/** A terminal would obey them, or show nothing. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What the text type's input would be: a string's content, or the JSON text of anything else. */
export function plainText(json: string): string {
  return json.startsWith('"') ? String(JSON.parse(json)) : json
}

/** Some of a row's values for a sentence: `id = 1, name = "Ada"`. */
export function shownKey(values: Map<string, RowValue>, columns: readonly string[]): string {
  return columns.map(name => `${name} = ${shownValue(values.get(name)?.text ?? 'left out')}`).join(', ')
}
