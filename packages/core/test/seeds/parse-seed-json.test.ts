import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SeedbedError } from '@seedbed/environments/errors'
import { parseSeedJson } from '../../src/seeds/parse-seed-json.js'
import { rowText, rowValues } from '../../src/seeds/row-values.js'

const source = (text: string) => ({ text, place: (offset: number) => `at ${offset}` })

/** Values that change when they are parsed and written again: the seed's text has to reach the server as it is. */
const valueText = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.constantFrom(
    '12345678901234567890',
    '1.10',
    '1E5',
    '-0',
    '"\\u00e9"',
    '{"a":1,"a":2}',
    '[ 1 , [ ] ]',
    '"\\ud83d"',
  ),
)
const rowOf = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), valueText), {
  selector: ([name]) => name,
  maxLength: 4,
})
const space = fc.constantFrom('', ' ', '\n', '\r\n\t')

const seeds = fc
  .uniqueArray(fc.tuple(fc.string(), fc.boolean(), fc.array(rowOf, { maxLength: 4 })), {
    selector: ([name]) => name,
    maxLength: 4,
  })
  .chain(tables => space.map(blank => ({ tables, text: write(tables, blank) })))

type Tables = [name: string, labelled: boolean, rows: [string, string][][]][]

function write(tables: Tables, blank: string): string {
  const row = (entries: [string, string][]) =>
    `{${blank}${entries.map(([name, json]) => `${JSON.stringify(name)}${blank}:${json}${blank}`).join(`,${blank}`)}}`
  const texts = tables.map(([name, labelled, rows]) => {
    const inner = rows.map((entries, index) => (labelled ? `"label ${index}":${blank}${row(entries)}` : row(entries)))
    return `${JSON.stringify(name)}:${labelled ? '{' : '['}${inner.join(`${blank},`)}${labelled ? '}' : ']'}`
  })
  return `${blank}{${texts.join(`,${blank}`)}${blank}}${blank}`
}

test('every row is found with its columns, its label and the text of its values', () => {
  fc.assert(
    fc.property(seeds, ({ tables, text }) => {
      const parsed = parseSeedJson(source(text))
      expect(parsed.map(({ name }) => name)).toEqual(tables.map(([name]) => name))
      for (const [index, [name, labelled, rows]] of tables.entries()) {
        const table = parsed[index]!
        expect(text.startsWith(JSON.stringify(name), table.offset)).toBe(true)
        expect(table.rows.map(({ columns }) => columns)).toEqual(rows.map(entries => entries.map(([name]) => name)))
        expect(table.rows.map(({ label }) => label)).toEqual(
          rows.map((_, row) => (labelled ? `label ${row}` : undefined)),
        )
        for (const [row, entries] of rows.entries()) {
          expect(JSON.stringify(JSON.parse(rowText(table.rows[row]!)))).toBe(
            JSON.stringify(Object.fromEntries(entries.map(([name, json]) => [name, JSON.parse(json) as unknown]))),
          )
          const values = [...rowValues(table.rows[row]!)]
          expect(values.map(([name, { text }]) => [name, text])).toEqual(entries)
          for (const [, value] of values) expect(text.startsWith(value.text, value.offset)).toBe(true)
        }
      }
    }),
  )
})

test('what JSON.parse refuses is refused, whatever has been changed in a seed', () => {
  const changed = fc
    .record({
      seed: seeds,
      at: fc.nat(),
      cut: fc.nat(2),
      insert: fc.constantFrom(
        '',
        ',',
        '"',
        '}',
        ']',
        '{',
        '[',
        ':',
        '\\',
        '0',
        '.',
        '-',
        'n',
        '/',
        '//',
        '\u00a0',
        '\v',
        '\0',
        '\n',
        "'",
        '1e',
      ),
    })
    .map(({ seed: { text }, at, cut, insert }) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + insert + text.slice(place + cut)
    })
  fc.assert(
    fc.property(changed, text => {
      let accepted = true
      try {
        parseSeedJson(source(text))
      } catch (error) {
        if (!(error instanceof SeedbedError)) throw error
        accepted = false
        if (error.code === 'SEED_BROKEN_JSON') expect(() => JSON.parse(text)).toThrow(SyntaxError)
      }
      if (accepted) JSON.parse(text)
    }),
    { numRuns: 2_000 },
  )
})

test('what lies too deep for the parser is refused with the place it came to', () => {
  const text = `{"users": [{"doc": ${'['.repeat(200_000)}`
  const source = { text, place: (offset: number) => `a.json:1:${offset + 1}` }
  expect(() => parseSeedJson(source)).toThrow(/^a\.json:1:\d{3,}: lists or objects lie too deep in each other here\./)
})
