import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { errorPages } from '../../../../scripts/error-pages.mjs'
import { errorKinds } from '../../src/errors/table.js'

const core = join(import.meta.dirname, '../..')
const kinds = Object.entries(errorKinds).flatMap(([room, byCode]) =>
  Object.entries(byCode).map(([code, kind]) => ({ room, code, kind })),
)

test('the table names every room that has errors', () => {
  const rooms = readdirSync(join(core, 'src')).filter(folder => existsSync(join(core, 'src', folder, 'errors.ts')))
  // One more has a package of its own.
  expect(Object.keys(errorKinds).toSorted()).toEqual([...rooms, 'environments'].toSorted())
})

test('no two errors have the same code', () => {
  const codes = kinds.map(({ code }) => code)
  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([])
})

test.each(kinds)('$code says what happened, why, and the way out', ({ code, kind }) => {
  expect(code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/)
  const message = kind.message(kind.example as never)
  const hint = kind.hint(kind.example as never)
  for (const text of [kind.title, kind.why, message, hint]) {
    expect(text.trim()).not.toBe('')
    expect(text).not.toMatch(/(?<!properties of )\bundefined\b|\[object Object\]|\bNaN\b/)
  }
  expect(kind.title, 'a title is a heading').not.toMatch(/[.\n]$/)
  expect(hint, 'the hint adds something').not.toBe(message)
})

test('docs/errors is what npm run docs would write', () => {
  const folder = join(core, '../../docs/errors')
  const written = readdirSync(folder).map(file => [file, readFileSync(join(folder, file), 'utf8')] as const)
  expect(Object.fromEntries(written)).toEqual(Object.fromEntries(errorPages(errorKinds)))
})
