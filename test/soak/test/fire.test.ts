import { expect, test } from 'vitest'
import { testSite } from './test-site.js'
import { blows, fireAtRuns } from './under-fire.js'

// Processes are found in /proc.
test.runIf(process.platform === 'linux')(
  '10 runs under fire: no test sees rows of another, and nothing is left on the server',
  async () => {
    const { site, random } = testSite()
    const tally = await fireAtRuns({ site, driver: 'direct', random, enough: count => count >= 10 })
    console.log(tally)
    for (const blow of blows) expect(tally.blows[blow]).toBeGreaterThan(0)
  },
  300_000,
)
