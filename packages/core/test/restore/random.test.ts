import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anySchema, anyWrites, run, sqlOf } from './random-writes.js'
import { place } from './support.js'

/** `npm run soak -- --part restore` sets both. */
const { SEEDBED_RESTORE_TESTS: tests = '60', SEEDBED_RESTORE_SEED: seed } = process.env
const testsOfSchema = 15

test('whatever several sessions write, every table and sequence comes back', { timeout: 600_000 }, async () => {
  // a failure prints the seed and the path with which fc.assert repeats it
  await fc.assert(
    fc.asyncProperty(
      anySchema.chain(schema =>
        fc.tuple(
          fc.constant(schema),
          fc.array(anyWrites(schema), { minLength: 1, maxLength: testsOfSchema, size: 'max' }),
        ),
      ),
      async ([schema, programs]) => {
        await using here = await place(sqlOf(schema))
        const digest = await here.digest()
        const sessions = await Promise.all([here.session(), here.session(), here.session()])
        for (const [index, writes] of programs.entries()) {
          const open = await run(sessions, writes)
          const { afresh, ended } = await here.restore.putBack()
          expect(afresh).toEqual([])
          expect(ended).toHaveLength(open.length)
          expect(await here.digest(), `after test ${index + 1}`).toBe(digest)
          for (const session of open) sessions[session] = await here.session()
        }
      },
    ),
    {
      numRuns: Math.max(1, Math.round((2 * Number(tests)) / testsOfSchema)),
      ...(seed === undefined ? {} : { seed: Number(seed) }),
    },
  )
})
