import { expect, test } from 'vitest'
import { killRuns } from './kill-runs.js'
import { leftovers } from './leftovers.js'
import { testSite } from './test-site.js'

// Processes are found in /proc.
test.runIf(process.platform === 'linux')(
  '50 runs killed at random moments, or as many as fit in 70 s, and nothing is left behind',
  async () => {
    const { site, random } = testSite()
    const start = Date.now()
    const tally = await killRuns({
      site,
      driver: 'direct',
      random,
      enough: kills => kills >= 50 || Date.now() - start > 70_000,
    })
    console.log(tally)
    expect(tally.kills.main + tally.kills.group).toBeGreaterThan(0)
    expect(await leftovers(site, 'direct')).toEqual([])
  },
  300_000,
)
