/**
 * The index in a JavaScript string of its `count`th character, counted from 0. PostgreSQL counts characters in its
 * error positions (from 1), JavaScript counts UTF-16 units: they differ after the first emoji.
 *
 * @example offsetOfCharacter('😀b', 1) // 2
 */
export function offsetOfCharacter(text: string, count: number): number {
  let offset = 0
  for (let character = 0; character < count && offset < text.length; character++) {
    offset += text.codePointAt(offset)! > 0xffff ? 2 : 1
  }
  return offset
}

/**
 * From offsets in bytes of UTF-8, as the parser reports them, to offsets in a JavaScript string. The returned function
 * must be called with growing offsets: it goes over the text once.
 *
 * @example bytesToOffsets('é😀b')(6) // 3
 */
export function bytesToOffsets(text: string): (bytes: number) => number {
  let offset = 0
  let passed = 0
  return bytes => {
    while (passed < bytes && offset < text.length) {
      const point = text.codePointAt(offset)!
      passed += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
      offset += point > 0xffff ? 2 : 1
    }
    return offset
  }
}

/**
 * The index of the first byte that is not UTF-8: there the bytes and what they decode to and encode again first differ.
 *
 * @example firstInvalidByte(Buffer.from('aé', 'latin1')) // 1
 */
export function firstInvalidByte(bytes: Buffer): number {
  const again = Buffer.from(bytes.toString('utf8'))
  let at = 0
  while (at < bytes.length && bytes[at] === again[at]) at++
  return at
}

/**
 * Line and column of an offset, both from 1; the column counts characters, as an editor does.
 *
 * @example lineAndColumn('a\r\nbc', 4) // { line: 2, column: 2 }
 */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: Array.from(before.slice(lineStart)).length + 1 }
}

/**
 * The lines from `start` to `end` with their numbers, and a caret under `caret`: at most seven of them, around the
 * caret, each cut to what fits on a screen. Passwords in the text are starred out.
 *
 * @example excerpt('select 1\nselect x', { start: 9, end: 17, caret: 16 }) // '  2 | select x\n    |        ^'
 */
export function excerpt(text: string, range: { start: number; end: number; caret: number }): string {
  const lines = withoutPasswords(text).split('\n')
  const { line, column } = lineAndColumn(text, range.caret)
  const first = Math.max(lineAndColumn(text, range.start).line, line - 3)
  const last = Math.min(lineAndColumn(text, Math.max(range.start, range.end - 1)).line, Math.max(line + 3, first + 6))
  const margin = String(last).length
  const shown: string[] = []
  for (let number = first; number <= last; number++) {
    const content = Array.from(lines[number - 1]!.replace(/\r$/, ''))
    const from = number === line && column > longestLine - 10 ? column - longestLine / 2 : 0
    const cut = content.slice(from, from + longestLine).join('')
    const dots = from + longestLine < content.length ? ' …' : ''
    shown.push(`  ${String(number).padStart(margin)} | ${from > 0 ? '… ' : ''}${cut}${dots}`)
    if (number !== line) continue
    const indent = content.slice(from, column - 1).map(character => (character === '\t' ? '\t' : ' '))
    shown.push(`  ${' '.repeat(margin)} | ${from > 0 ? '  ' : ''}${indent.join('')}^`)
  }
  return shown.join('\n')
}

const longestLine = 110

function withoutPasswords(text: string): string {
  return text.replace(
    /(password\s+E?')((?:[^'\n]|'')*)(')/gi,
    (_, before: string, secret: string, after: string) => before + '*'.repeat(secret.length) + after,
  )
}
