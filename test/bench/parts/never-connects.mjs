import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { inTurns, quantile, summary } from '../measuring.mjs'
import { runSuite, writeSuite } from '../suites.mjs'

const files = 20
const testsPerFile = 4

export const title = 'A file that never connects'
export const how = `A suite of ${files} files without a database and the same suite with the plugin, in turns, one worker each; no test asks for the database. In Vitest's default pool each file is a process; from the start of one to the start of the next is what a file takes, the main process's work for it included. The figure is the difference of the lower quartiles over the files of all rounds: what else the machine does makes files slower and never faster, and the medians of two rounds differ by ten times what is measured. Its spread is that of the rounds.`

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
      return born.slice(1).map((time, index) => time - born[index])
    }
  }
  const { none, idle } = await inTurns(ways, { rounds: quick ? 3 : 20 })
  const lower = files => quantile(files, 0.25)
  const [idleFile, bareFile] = [lower(idle.flat()), lower(none.flat())]
  const { spread, rounds } = summary(idle.map((files, round) => lower(files) - lower(none[round])))
  return [
    {
      name: 'a file that never connects',
      value: idleFile - bareFile,
      unit: 'ms',
      spread,
      rounds,
      promise: { below: 3 },
      compared: `${idleFile.toFixed(1)} ms a file, ${bareFile.toFixed(1)} ms without Seedbed`,
    },
  ]
}
