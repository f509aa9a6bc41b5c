/**
 * `npm run soak`: kills runs of the Vitest CLI at random moments, 500 of them or for as long as the budget says, and looks
 * at what is left. `npm run soak -- --budget 10m`, `--budget 50`; `--seed N` repeats the choices of an earlier one.
 */
import { parseArgs } from 'node:util'
import { killRuns, victims, type Tally } from './kill-runs.js'
import { killAll, leftovers } from './leftovers.js'
import { randomFrom } from './random.js'
import { makeSite } from './site.js'

const { values } = parseArgs({ options: { budget: { type: 'string', default: '500' }, seed: { type: 'string' } } })
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed)
const enough = budgetOf(values.budget)
console.log(`soak: --budget ${values.budget} --seed ${seed}`)

const site = makeSite()
const start = Date.now()
let passed = 0
try {
  const tally = await killRuns({ site, driver: 'vitest', random: randomFrom(seed), enough, onKill: tell })
  passed = tally.passed
  console.log(summary(tally))
  const left = await leftovers(site, 'vitest')
  for (const text of left) console.log(`left behind: ${text}`)
  if (left.length > 0) throw new Error(`${left.length} left behind`)
  site[Symbol.dispose]()
  console.log(`Nothing is left behind.\n${passed + 1} passed, 0 failed`)
} catch (error) {
  killAll(site)
  console.log(error)
  console.log(`Kept for a look: ${site.root}\n${passed} passed, 1 failed`)
  process.exitCode = 1
}

/** `500`: kills; `10m`, `90s`: a time. */
function budgetOf(text: string): (kills: number) => boolean {
  const [, number, unit] = /^(\d+)(s|m|h)?$/.exec(text) ?? []
  if (!number || !Number.isInteger(seed)) {
    console.error('Usage: npm run soak -- [--budget 500 | 90s | 10m | 1h] [--seed 4711]')
    process.exit(2)
  }
  if (!unit) return kills => kills >= Number(number)
  const milliseconds = Number(number) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h']
  return () => Date.now() - start > milliseconds
}

function tell(tally: Tally): void {
  const kills = victims.reduce((sum, victim) => sum + tally.kills[victim], 0)
  if (kills > 0 && kills % 25 === 0) console.log(summary(tally))
}

function summary({ kills, missed, passed, longest }: Tally): string {
  const byVictim = victims.map(victim => `${kills[victim]} ${victim}`).join(', ')
  const seconds = ((Date.now() - start) / 1_000).toFixed(0)
  return `${seconds} s: killed ${byVictim}; ${missed} ended first; ${passed} runs passed meanwhile, the longest after a kill took ${(longest.milliseconds / 1_000).toFixed(1)} s (${longest.after})`
}
