import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isLeftOut, program } from './program.js'
import { openSides, type Sides } from './run-program.js'

const count = Number(process.env['PG_SANDBOX_PROGRAMS'] ?? 2_000)
const seed = process.env['PG_SANDBOX_SEED']

let sides: Sides
beforeAll(async () => {
  sides = await openSides()
})
afterAll(() => sides[Symbol.asyncDispose]())

test('a difference would be seen', async () => {
  const difference = await sides.compare([{ client: 0, query: 'SELECT current_database()' }])
  expect(difference).toMatch(/"real"[^]*"sandboxed"/)
})

test(
  `${count} random programs do in a sandbox what they do on a real database`,
  { timeout: 1_000 * count },
  async () => {
    let difference: string | undefined
    const property = fc.asyncProperty(program, async steps => {
      const found = await sides.compare(steps, (step, status) => isLeftOut(steps, step, status))
      difference = found ?? difference
      return found === undefined
    })
    const outcome = await fc.check(property, { numRuns: count, ...(seed === undefined ? {} : { seed: Number(seed) }) })
    if (!outcome.failed) return
    throw new Error(
      `Program ${outcome.numRuns} of the seed ${outcome.seed} differs (PG_SANDBOX_SEED=${outcome.seed} runs it again).
The smallest that does:\n${difference}`,
    )
  },
)
