import { killRuns, victims, type Tally } from './kill-runs.js'
import { killAll, leftovers } from './leftovers.js'
import type { Random } from './random.js'
import { makeSite, type Site } from './site.js'
import type { Enough } from './soak.js'
import { fireAtRuns, type FireTally } from './under-fire.js'

/** Kills runs of the Vitest CLI at random moments, and looks at what is left. Answers how many runs have passed. */
export function soakKills(random: Random, enough: Enough): Promise<number> {
  return onSite(async site => {
    const start = Date.now()
    const tally = await killRuns({ site, driver: 'vitest', random, enough, onKill: told => tell(told, start) })
    console.log(summary(tally, start))
    const left = await leftovers(site, 'vitest')
    if (left.length > 0) throw new Error(`left behind: ${left.join('\nleft behind: ')}`)
    return tally.passed + 1
  })
}

/** Kills runs on an external server, stops them for a while, and restarts the server. Answers how many runs have passed. */
export function soakFire(random: Random, enough: Enough): Promise<number> {
  return onSite(async site => {
    const tally = await fireAtRuns({ site, driver: 'vitest', random, enough, onBlow: tellOfFire })
    console.log(fireSummary(tally))
    return tally.passed + 1
  })
}

async function onSite(work: (site: Site) => Promise<number>): Promise<number> {
  const site = makeSite()
  try {
    const passed = await work(site)
    site[Symbol.dispose]()
    console.log('Nothing is left behind.')
    return passed
  } catch (error) {
    killAll(site)
    console.log(`Kept for a look: ${site.root}`)
    throw error
  }
}

function tellOfFire(tally: FireTally): void {
  if (hits(tally) % 25 === 0) console.log(fireSummary(tally))
}

const hits = ({ blows }: FireTally) => Object.values(blows).reduce((sum, count) => sum + count, 0)

function fireSummary(tally: FireTally): string {
  const { blows, survived, passed } = tally
  const byBlow = Object.entries(blows).map(([blow, count]) => `${count} ${blow}`)
  return `${hits(tally)} runs hit (${byBlow.join(', ')}): ${survived} passed all the same, and so did ${passed} others`
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
