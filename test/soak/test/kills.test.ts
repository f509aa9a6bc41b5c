import { expect, test } from 'vitest'
import { killRuns } from './kill-runs.js'
import { leftovers } from './leftovers.js'
import { testSite } from './test-site.js'

// Processes are found in /proc.
test.runIf(process.platform === 'linux')(
  '50 runs killed at random moments, and nothing is left behind',
  async () => {
    const { site, random } = testSite()
    const tally = await killRuns({ site, driver: 'direct', random, enough: kills => kills >= 50 })
    console.log(tally)
    expect(tally.kills.main + tally.kills.group).toBeGreaterThan(0)
    expect(await leftovers(site, 'direct')).toEqual([])
  },
  600_000,
)
