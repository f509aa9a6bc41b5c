/**
 * `npm run soak`: what the tests do at random, for as long as the budget says. Runs of the Vitest CLI are killed, and what
 * is left is looked at; others are killed, stopped or lose their server; random programs are compared in a sandbox and on a real database; connections send nonsense to
 * a sandbox; what tests commit is put back.
 *
 * `npm run soak -- --budget 10m` shares the time among the parts; `--budget 500` is 500 kills, 200 runs under fire, 5,000
 * programs, 50,000 connections and 10,000 tests that are put back. `--part model` is only that one, `--seed N` repeats the choices of an earlier soak.
 */
import { parseArgs } from 'node:util'
import { randomFrom } from './random.js'
import { soakRandomTests } from './soak-random-tests.js'
import { soakFire, soakKills } from './soak-runs.js'

/** Says how much of the budget a part of the soak may use: whether what it has done is enough. */
export type Enough = (done: number) => boolean

const parts = {
  kills: { times: 1, run: soakKills },
  fire: { times: 0.4, run: soakFire },
  model: { times: 10, run: soakRandomTests.model },
  fuzz: { times: 100, run: soakRandomTests.fuzz },
  restore: { times: 20, run: soakRandomTests.restore },
}
type Part = keyof typeof parts

const { values } = parseArgs({
  options: { budget: { type: 'string', default: '500' }, seed: { type: 'string' }, part: { type: 'string' } },
})
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed)
const chosen = (Object.keys(parts) as Part[]).filter(part => (values.part ?? part) === part)
const [, number, unit] = /^(\d+)(s|m|h)?$/.exec(values.budget) ?? []
if (!number || !Number.isInteger(seed) || chosen.length === 0) {
  console.error(
    'Usage: npm run soak -- [--budget 500 | 90s | 10m | 1h] [--part kills | fire | model | fuzz | restore] [--seed 4711]',
  )
  process.exit(2)
}
console.log(`soak: --budget ${values.budget} --seed ${seed}${values.part ? ` --part ${values.part}` : ''}`)

let passed = 0
let failed = 0
for (const part of chosen) {
  try {
    passed += await parts[part].run(randomFrom(seed), enoughFor(part))
  } catch (error) {
    failed += 1
    console.log(`${part}:`, error)
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

function enoughFor(part: Part): Enough {
  if (!unit) return done => done >= Number(number) * parts[part].times
  const start = Date.now()
  const milliseconds = Number(number) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h']
  return () => Date.now() - start > milliseconds / chosen.length
}
