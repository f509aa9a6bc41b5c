import { killRuns, victims, type Tally } from './kill-runs.js'
import { killAll, leftovers } from './leftovers.js'
import type { Random } from './random.js'
import { makeSite } from './site.js'
import type { Enough } from './soak.js'

/** Kills runs of the Vitest CLI at random moments, and looks at what is left. Answers how many runs have passed. */
export async function soakKills(random: Random, enough: Enough): Promise<number> {
  const site = makeSite()
  const start = Date.now()
  try {
    const tally = await killRuns({ site, driver: 'vitest', random, enough, onKill: told => tell(told, start) })
    console.log(summary(tally, start))
    const left = await leftovers(site, 'vitest')
    if (left.length > 0) throw new Error(`left behind: ${left.join('\nleft behind: ')}`)
    site[Symbol.dispose]()
    console.log('Nothing is left behind.')
    return tally.passed + 1
  } catch (error) {
    killAll(site)
    console.log(`Kept for a look: ${site.root}`)
    throw error
  }
}

function tell(tally: Tally, start: number): void {
  const kills = victims.reduce((sum, victim) => sum + tally.kills[victim], 0)
  if (kills > 0 && kills % 25 === 0) console.log(summary(tally, start))
}

function summary({ kills, missed, passed, longest }: Tally, start: number): string {
  const byVictim = victims.map(victim => `${kills[victim]} ${victim}`).join(', ')
  const seconds = ((Date.now() - start) / 1_000).toFixed(0)
  return `${seconds} s: killed ${byVictim}; ${missed} ended first; ${passed} runs passed meanwhile, the longest after a kill took ${(longest.milliseconds / 1_000).toFixed(1)} s (${longest.after})`
}
