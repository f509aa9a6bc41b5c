import { join } from 'node:path'
import { inTurns, median, ratios } from './measuring.mjs'
import { writeSmallProject } from './small/small-project.mjs'
import { runSuite, writeSuite } from './suites.mjs'

export const how = `The same suite in several forms, each a run of its own from its start to its end, with the runner's defaults: without a database; with hand-written hooks (a pg client for each file that connects in beforeAll, BEGIN in beforeEach, ROLLBACK in afterEach) on a server that already runs with schema and seed in place, of the same version, settings and authentication; with Seedbed, whose server is not running when Vitest starts. Each test is one select, or without a database one resolved promise. Overhead is the time above that of the suite without a database.`

/**
 * Runs a suite's forms in turns; Seedbed's cluster and template are there already.
 *
 * @returns {Promise<Record<string, number[]>>} of each form, one a round
 */
export async function timesOfSuites({ project, place }, { runner, files, testsPerFile, variants, rounds }) {
  const database = join(place, 'hooks-database')
  await writeSmallProject(database)
  const { startRun } = await project.module('@seedbed/core')
  const server = await startRun({ folder: database, slots: 1 })
  try {
    const env = { BENCH_URL: server.handle.workers[0].url }
    const ways = {}
    for (const variant of variants) {
      const folder = await writeSuite(project.folder, variant, { runner, files, testsPerFile })
      // One file is enough to make what a second run finds.
      await runSuite(project, folder, { runner, env, file: 1, tests: testsPerFile })
      ways[variant] = () => runSuite(project, folder, { runner, env, tests: files * testsPerFile })
    }
    return await inTurns(ways, { rounds, warmUps: 0 })
  } finally {
    await server.close()
  }
}

/** Seedbed's overhead as a ratio to that of the hooks: the median of the rounds' ratios, each of three runs in a row. */
export function overhead(times, { files, testsPerFile, below }) {
  const over = variant => above(times, variant)
  const { median: value, ...rest } = ratios(over('seedbed'), over('hooks'))
  const ms = numbers => `${median(numbers).toFixed(0)} ms`
  return {
    name: `overhead of ${files * testsPerFile} tests in ${files} files, to hand-written hooks`,
    value,
    unit: 'times',
    promise: { below },
    ...rest,
    compared: `${ms(over('seedbed'))} to ${ms(over('hooks'))}, above ${ms(times.none)}`,
  }
}

/** Round by round, the milliseconds above the suite without a database. */
function above(times, variant) {
  return times[variant].map((time, round) => time - times.none[round])
}
