import { expect, onTestFinished, test } from 'vitest'
import { killAll } from './leftovers.js'
import { randomFrom } from './random.js'
import { makeSite } from './site.js'
import { blows, fireAtRuns } from './under-fire.js'

// Processes are found in /proc.
test.runIf(process.platform === 'linux')(
  '10 runs under fire: no test sees rows of another, and nothing is left on the server',
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    console.log(`seed ${seed}`)
    const site = makeSite()
    onTestFinished(() => {
      killAll(site)
      site[Symbol.dispose]()
    })
    const tally = await fireAtRuns({ site, driver: 'direct', random: randomFrom(seed), enough: count => count >= 10 })
    console.log(tally)
    for (const blow of blows) expect(tally.blows[blow]).toBeGreaterThan(0)
  },
  300_000,
)
