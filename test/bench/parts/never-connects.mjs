import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { inTurns, median, summary } from '../measuring.mjs'
import { runSuite, writeSuite } from '../suites.mjs'

const files = 20
const testsPerFile = 4

export const title = 'A file that never connects'
export const how = `A suite of ${files} files without a database and the same suite with the plugin, in turns, one worker each; no test asks for the database. In Vitest's default pool each file is a process; from the start of one to the start of the next is what a file takes, the main process's work for it included. A round's figure is the difference of the medians over its files, so that what a run pays once falls out.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, place, quick }) {
  const starts = join(place, 'starts')
  const env = { BENCH_STARTS: starts, NODE_OPTIONS: `--require ${project.program('log-start.cjs')}` }
  const ways = {}
  for (const variant of ['none', 'idle']) {
    const folder = await writeSuite(project.folder, variant, { files, testsPerFile })
    ways[variant] = async () => {
      await rm(starts, { force: true })
      await runSuite(project, folder, { env, tests: files * testsPerFile, workers: 1 })
      const born = (await readFile(starts, 'utf8')).trim().split('\n').map(Number)
      if (born.length !== files) throw new Error(`${born.length} workers for ${files} files`)
      return median(born.slice(1).map((time, index) => time - born[index]))
    }
  }
  const { none, idle } = await inTurns(ways, { rounds: quick ? 3 : 15 })
  const { median: value, ...rest } = summary(idle.map((time, round) => time - none[round]))
  const ms = times => `${median(times).toFixed(1)} ms`
  return [
    {
      name: 'a file that never connects',
      value,
      unit: 'ms',
      ...rest,
      promise: { below: 3 },
      compared: `${ms(idle)} a file, ${ms(none)} without Seedbed`,
    },
  ]
}
