import fc from 'fast-check'
import { openSandbox } from 'pg-sandbox'
import { expect, test } from 'vitest'
import { openRestore } from '../../src/restore/restore.js'
import { toldBy } from '../../src/worker/told-by.js'
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

/** What a session in another database does before a test ends: transactions that go on there keep the numbers of ours apart. */
const anyElsewhere = fc.constantFrom('begin; create table if not exists elsewhere ()', 'rollback', 'select 1', '')

const anyPrograms = anySchema.chain(schema =>
  fc.tuple(
    fc.constant(schema),
    fc.array(fc.record({ writes: anyWrites(schema), ending: anyEnd, elsewhere: anyElsewhere }), {
      minLength: 1,
      maxLength: testsOfSchema,
      size: 'max',
    }),
  ),
)
const runs = {
  numRuns: Math.max(1, Math.round(Number(tests) / testsOfSchema)),
  ...(seed === undefined ? {} : { seed: Number(seed) }),
}

async function state(here: Place): Promise<string> {
  const objects = await here.asAdmin('select oid, md5(lo_get(oid)) from pg_largeobject_metadata order by oid')
  return `${await here.digest()} ${JSON.stringify(objects)}`
}

for (const through of ['nothing', 'a sandbox'] as const) {
  test(
    `whatever several sessions write, every table, sequence and large object comes back, under any holds, through ${through}`,
    { timeout: 600_000 },
    async () => {
      // a failure prints the seed and the path with which fc.assert repeats it
      await fc.assert(
        fc.asyncProperty(anyPrograms, async ([schema, programs]) => {
          await using here = await place(sqlOf(schema))
          await using sandbox = await openSandbox({ url: here.server.url })
          const isThrough = through === 'a sandbox'
          const restore = isThrough ? await openRestore({ url: here.url, told: toldBy(sandbox) }) : here.restore
          const connect = () => (isThrough ? here.sessionAt(sandbox.url) : here.session())
          const other = await here.elsewhere()
          /** What is to be put back to: of the seed, and of each hold. */
          const levels = [await state(here)]
          await sandbox.enter('first', { direct: async () => here.applicationUrl })
          const sessions = await Promise.all([connect(), connect(), connect()])
          for (const [index, { writes, ending, elsewhere }] of programs.entries()) {
            const open = await run(sessions, writes)
            await other.query(elsewhere)
            const end = ending === 'release' && levels.length === 1 ? 'putBack' : ending
            // What a scope holds it holds before it ends, and the sandbox ends nothing before that.
            if (end !== 'hold') await sandbox.leave()
            const { afresh, ended } = await restore[end]()
            expect(afresh).toEqual([])
            expect(ended).toHaveLength(isThrough && end !== 'hold' ? 0 : open.length)
            if (end === 'hold') await sandbox.leave()
            if (end === 'release') levels.pop()
            if (end === 'hold') levels.push(await state(here))
            else expect(await state(here), `after ${end} ${index + 1}`).toBe(levels.at(-1))
            await sandbox.enter('next', { direct: async () => here.applicationUrl })
            for (const session of open) {
              await sessions[session]!.end().catch(() => {})
              sessions[session] = await connect()
            }
          }
          if (isThrough) await restore.close()
        }),
        runs,
      )
    },
  )
}
