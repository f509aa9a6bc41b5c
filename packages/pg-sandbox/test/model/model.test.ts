import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLeftOut, program } from './program.js'
import { openSides } from './run-program.js'

const count = Number(process.env['PG_SANDBOX_PROGRAMS'] ?? 400)
/** The same programs each time, so that a change is judged by itself; `npm run soak` takes others, and many more. */
const seed = Number(process.env['PG_SANDBOX_SEED'] ?? 20_261_121)

test('a difference would be seen', async () => {
  await using sides = await openSides()
  const difference = await sides.compare([{ client: 0, query: 'SELECT current_database()' }])
  expect(difference).toMatch(/"real"[^]*"sandboxed"/)
})

test(
  `${count} random programs do in a sandbox what they do on a real database (PG_SANDBOX_SEED=${seed})`,
  { timeout: 60_000 + 1_000 * count },
  async () => {
    // Two at a time: while the one waits for its server, the other has something to do.
    const half = Math.ceil(count / 2)
    const differences = await Promise.all([firstDifference(seed, half), firstDifference(seed + 1, half)])
    expect(differences.filter(found => found !== undefined).join('\n\n')).toBe('')
  },
)

/** Of that many programs, made as small as it can be. */
async function firstDifference(seed: number, numRuns: number): Promise<string | undefined> {
  await using sides = await openSides()
  let difference: string | undefined
  const property = fc.asyncProperty(program, async steps => {
    const found = await sides.compare(steps, { isLeftOut: (step, place) => isLeftOut(steps, step, place) })
    difference = found ?? difference
    return found === undefined
  })
  const outcome = await fc.check(property, { numRuns, seed })
  if (!outcome.failed) return undefined
  return `Program ${outcome.numRuns} of PG_SANDBOX_SEED=${seed} differs. The smallest that does:\n${difference}`
}
