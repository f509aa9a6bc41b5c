import fc from 'fast-check'
import { scan } from 'libpg-query'
import { expect, test } from 'vitest'
import { lexemesOf } from '../../src/migrations/sql-lexemes.js'

test.each([
  ["select 'a\n|'", false, true],
  ["select 'it''s\n|'", false, true],
  ["select 'a\\'\n|'", false, false],
  ["select e'a\\'\n|'", false, true],
  ["select 'a\\'\n|'", true, true],
  ['select "a\n|"', false, true],
  ['-- a\n|', false, false],
  ['-- a|', false, true],
  ['/* a /* b */ \n|*/', false, true],
  ['/* a /* b */ */\n|', false, false],
  ['$$ a\n|$$', false, true],
  ['$b$ $$ $a$\n|$b$', false, true],
  ['$b$ $$ $b$\n|', false, false],
  ['select a$b$\n| c$b$', false, false],
  ['select $1\n| $1', false, false],
  ['select 1;\n|', false, false],
  ['|select', false, false],
])('%j (backslashes: %s) is inside: %s', (text, backslashes, inside) => {
  const offset = text.indexOf('|')
  expect(lexemesOf(text.replace('|', '+ +'), 0, backslashes).insideUntil(offset) !== undefined).toBe(inside)
})

test('PostgreSQL’s own scanner says the same of any text', async () => {
  const piece = fc.constantFrom(
    "'",
    "''",
    '"',
    '$$',
    '$a$',
    '$a',
    'a$',
    '--',
    '/*',
    '*/',
    '\n',
    ' ',
    'e',
    "E'",
    '\\',
    'x',
    '1',
    ';',
    '😀',
    'é',
    '-',
    '/',
    '$1',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 14 }), async pieces => {
      const text = pieces.join('')
      const whole = await scan(`select ${text}\n`).then(
        () => true,
        () => false,
      )
      // what the scanner refuses for another reason than an open end has no answer: such as "" and E'\\' at the end
      const closed = await closes(text)
      fc.pre(closed)
      expect(lexemesOf(`${text}\n\\+`, 0, false).insideUntil(text.length + 1) === undefined).toBe(whole)
    }),
    { numRuns: 2_000 },
  )
})

/** Whether some way to close what is open makes the text one that the scanner takes. */
async function closes(text: string): Promise<boolean> {
  const endings = ['', "'", '"', '*/', '*/*/', '*/*/*/', '$$', '$a$', "\\'"]
  for (const ending of endings) {
    const taken = await scan(`select ${text}\n${ending}`).then(
      () => true,
      () => false,
    )
    if (taken) return true
  }
  return false
}
