import { onTestFinished } from 'vitest'
import { killAll } from './leftovers.js'
import { randomFrom, type Random } from './random.js'
import { makeSite, type Site } from './site.js'

/** A site for one test, of which nothing stays, and choices by a seed that is printed. */
export function testSite(): { site: Site; random: Random } {
  const seed = Math.floor(Math.random() * 2 ** 32)
  console.log(`seed ${seed}`)
  const site = makeSite()
  onTestFinished(() => {
    killAll(site)
    site[Symbol.dispose]()
  })
  return { site, random: randomFrom(seed) }
}
