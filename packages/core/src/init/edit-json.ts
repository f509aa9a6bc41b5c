import type { Node } from 'jsonc-parser'

/** The text with a property first in an object, on a line of its own where the others have one; all else stays letter by letter. */
export function withFirst(text: string, object: Node, property: string): string {
  const start = object.offset + 1
  const [first] = object.children ?? []
  if (!first) return `${text.slice(0, start)} ${property} ${text.slice(start)}`
  const between = text.slice(start, first.offset)
  return `${text.slice(0, first.offset)}${property},${between || ' '}${text.slice(first.offset)}`
}

/** The text without one of an object's properties; all else stays letter by letter. */
export function withoutProperty(text: string, property: Node): string {
  const siblings = property.parent!.children!
  const index = siblings.indexOf(property)
  const [previous, next] = [siblings[index - 1], siblings[index + 1]]
  const from = previous ? endOf(previous) : property.offset
  const to = previous || !next ? endOf(property) : next.offset
  return text.slice(0, from) + text.slice(to)
}

/** The text of a value, moved to the left as far as its object stands to the right. */
export function valueText(text: string, value: Node): string {
  const line = text.lastIndexOf('\n', value.offset) + 1
  const indent = /^[ \t]*/.exec(text.slice(line))![0]
  return text.slice(value.offset, endOf(value)).replaceAll(`\n${indent}`, '\n')
}

function endOf({ offset, length }: Node): number {
  return offset + length
}
