import { setTimeout as moment } from 'node:timers/promises'
import { runSuite, writeSuite } from '../suites.mjs'
import { summary } from '../measuring.mjs'

const files = 100
const testsPerFile = 4
const workers = 4

export const title = 'Waiting for locks'
export const how = `${files * testsPerFile} tests in ${files} files, ${workers} workers, on one external server: 100 times a second pg_stat_activity is asked which sessions wait for a lock of any kind. The figure is the largest share of these moments in which one and the same session waited; a test's own statements wait for none here.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, place, quick }) {
  const [{ openServer }, { default: pg }] = await Promise.all([
    project.module('@seedbed/core', 'built/server/open-server.js'),
    project.module('pg'),
  ])
  const server = await openServer({ projectFolder: place, config: {} })
  const watcher = new pg.Client({ connectionString: server.adminUrl })
  await watcher.connect()
  try {
    const shares = []
    for (const runner of ['vitest', 'jest']) {
      const folder = await writeSuite(project.folder, 'seedbed', { runner, files, testsPerFile })
      for (let round = 0; round < (quick ? 1 : 3); round++) {
        const env = { TEST_DATABASE_URL: server.adminUrl }
        const run = runSuite(project, folder, { runner, env, workers, tests: files * testsPerFile })
        shares.push(await longestWait(watcher, run))
      }
    }
    const { median, spread, rounds } = summary(shares)
    return [
      {
        name: `a session's time of waiting for locks, ${workers} workers`,
        value: median,
        unit: '%',
        spread,
        rounds,
        promise: { below: 5 },
        compared: `at most ${Math.max(...shares).toFixed(1)} %`,
      },
    ]
  } finally {
    await watcher.end()
    await server[Symbol.asyncDispose]()
  }
}

/** @returns {Promise<number>} in percent of the run */
async function longestWait(watcher, run) {
  const state = { over: false }
  void run.catch(() => {}).then(() => (state.over = true))
  const waited = new Map()
  let looks = 0
  for (; !state.over; await moment(10)) {
    const { rows } = await watcher.query("select pid from pg_stat_activity where wait_event_type = 'Lock'")
    looks += 1
    for (const { pid } of rows) waited.set(pid, (waited.get(pid) ?? 0) + 1)
  }
  await run
  return (100 * Math.max(0, ...waited.values())) / looks
}
