import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { inTurns, quantile, summary } from '../measuring.mjs'
import { runSuite, writeSuite } from '../suites.mjs'

const files = 20
const testsPerFile = 4

export const title = 'A file that never connects'
export const how = `A suite of ${files} files without a database and the same suite with the plugin, in turns, one worker at a time; no test asks for the database. In Vitest's default pool each file is a process. Its clock runs from the message that hands it the file to the one that says it is done: loading Seedbed, opening the worker, entering and leaving a file and ${testsPerFile} tests, and what it has to wait for from the main process. The figure is the difference of the lower quartiles over the files of all rounds: what else the machine does makes files slower and never faster. Its spread is that of the rounds. The second figure is the same from the start of one process to the start of the next, which holds the main process's part and Node's start and end too; of two suites that are the same it differs by more than the promise, so it has none.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, place, quick }) {
  const notes = join(place, 'files')
  const env = { BENCH_FILES: notes, NODE_OPTIONS: `--require ${project.program('log-file.cjs')}` }
  const ways = {}
  for (const variant of ['none', 'idle']) {
    const folder = await writeSuite(project.folder, variant, { files, testsPerFile })
    ways[variant] = async () => {
      await rm(notes, { force: true })
      await runSuite(project, folder, { env, tests: files * testsPerFile, workers: 1 })
      const noted = (await readFile(notes, 'utf8')).trim().split('\n').map(JSON.parse)
      if (noted.length !== files) throw new Error(`${noted.length} workers for ${files} files`)
      const births = noted.map(({ born }) => born).sort((one, other) => one - other)
      return {
        took: noted.map(({ took }) => took),
        apart: births.slice(1).map((time, index) => time - births[index]),
      }
    }
  }
  const times = await inTurns(ways, { rounds: quick ? 3 : 20 })
  return [
    figure('a file that never connects', times, 'took', { promise: { below: 3 } }),
    figure('a file that never connects, from process to process', times, 'apart'),
  ]
}

function figure(name, { idle, none }, measured, more = {}) {
  const lower = rounds =>
    quantile(
      rounds.flatMap(round => round[measured]),
      0.25,
    )
  const { spread, rounds } = summary(idle.map((round, index) => lower([round]) - lower([none[index]])))
  return {
    name,
    value: lower(idle) - lower(none),
    unit: 'ms',
    spread,
    rounds,
    compared: `${lower(idle).toFixed(1)} ms a file, ${lower(none).toFixed(1)} ms without Seedbed`,
    ...more,
  }
}
