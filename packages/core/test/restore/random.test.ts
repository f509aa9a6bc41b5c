import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anySchema, anyWrites, run, sqlOf } from './random-writes.js'
import { place, type Place } from './support.js'

/** `npm run soak -- --part restore` sets both. */
const { SEEDBED_RESTORE_TESTS: tests = '60', SEEDBED_RESTORE_SEED: seed } = process.env
const testsOfSchema = 15

/** Most tests end as tests do. */
const anyEnd = fc.oneof(
  { weight: 4, arbitrary: fc.constant('putBack' as const) },
  { weight: 2, arbitrary: fc.constantFrom('hold' as const, 'release' as const) },
)

async function state(here: Place): Promise<string> {
  const objects = await here.asAdmin('select oid, md5(lo_get(oid)) from pg_largeobject_metadata order by oid')
  return `${await here.digest()} ${JSON.stringify(objects)}`
}

test(
  'whatever several sessions write, every table, sequence and large object comes back, under any holds',
  { timeout: 600_000 },
  async () => {
    // a failure prints the seed and the path with which fc.assert repeats it
    await fc.assert(
      fc.asyncProperty(
        anySchema.chain(schema =>
          fc.tuple(
            fc.constant(schema),
            fc.array(fc.record({ writes: anyWrites(schema), ending: anyEnd }), {
              minLength: 1,
              maxLength: testsOfSchema,
              size: 'max',
            }),
          ),
        ),
        async ([schema, programs]) => {
          await using here = await place(sqlOf(schema))
          /** What is to be put back to: of the seed, and of each hold. */
          const levels = [await state(here)]
          const sessions = await Promise.all([here.session(), here.session(), here.session()])
          for (const [index, { writes, ending }] of programs.entries()) {
            const open = await run(sessions, writes)
            const end = ending === 'release' && levels.length === 1 ? 'putBack' : ending
            const { afresh, ended } = await here.restore[end]()
            expect(afresh).toEqual([])
            expect(ended).toHaveLength(open.length)
            if (end === 'release') levels.pop()
            if (end === 'hold') levels.push(await state(here))
            else expect(await state(here), `after ${end} ${index + 1}`).toBe(levels.at(-1))
            for (const session of open) sessions[session] = await here.session()
          }
        },
      ),
      {
        numRuns: Math.max(1, Math.round((2 * Number(tests)) / testsOfSchema)),
        ...(seed === undefined ? {} : { seed: Number(seed) }),
      },
    )
  },
)
