import { expect, onTestFinished, test } from 'vitest'
import { killRuns } from './kill-runs.js'
import { killAll, leftovers } from './leftovers.js'
import { randomFrom } from './random.js'
import { makeSite } from './site.js'

// Processes are found in /proc.
test.runIf(process.platform === 'linux')(
  '50 runs killed at random moments, or as many as fit in 70 s, and nothing is left behind',
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    console.log(`seed ${seed}`)
    const site = makeSite()
    onTestFinished(() => {
      killAll(site)
      site[Symbol.dispose]()
    })
    const start = Date.now()
    const tally = await killRuns({
      site,
      driver: 'direct',
      random: randomFrom(seed),
      enough: kills => kills >= 50 || Date.now() - start > 70_000,
    })
    console.log(tally)
    expect(tally.kills.main + tally.kills.group).toBeGreaterThan(0)
    expect(await leftovers(site, 'direct')).toEqual([])
  },
  300_000,
)
