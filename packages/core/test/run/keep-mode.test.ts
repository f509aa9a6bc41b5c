import { expect, test } from 'vitest'
import { keepsFailed } from '../../src/run/keep-mode.js'

test('nothing is kept unless the config or the variable says so', () => {
  expect(keepsFailed({}, {})).toBe(false)
  expect(keepsFailed({ keep: 'failed' }, {})).toBe(true)
  expect(keepsFailed({}, { SEEDBED_KEEP: 'failed' })).toBe(true)
})

test('the variable goes before the config, and set to nothing it keeps nothing', () => {
  expect(keepsFailed({ keep: 'failed' }, { SEEDBED_KEEP: '' })).toBe(false)
})

test('another value of the variable is refused, and a URL is not repeated', () => {
  expect(() => keepsFailed({ keep: 'failed' }, { SEEDBED_KEEP: 'all' })).toThrow(
    "SEEDBED_KEEP is 'all'.\n\n  SEEDBED_KEEP takes 'failed', or nothing.\n  (VARIABLE_WRONG_VALUE)",
  )
  expect(() => keepsFailed({}, { SEEDBED_KEEP: 'postgresql://me:secret@host/db' })).toThrow('SEEDBED_KEEP is a URL.')
})

test.each(['container', { container: {} }, { container: { reuse: false } }] as const)(
  'refused where the server goes with the run: %j',
  server => {
    expect(() => keepsFailed({ server, keep: 'failed' }, {})).toThrow('(KEEP_IN_CONTAINER)')
    expect(keepsFailed({ server }, {})).toBe(false)
    expect(keepsFailed({ server, keep: 'failed' }, {}, 'postgresql://x/y')).toBe(true)
  },
)

test('a container that stays can keep', () => {
  expect(keepsFailed({ server: { container: { reuse: true } }, keep: 'failed' }, {})).toBe(true)
})
