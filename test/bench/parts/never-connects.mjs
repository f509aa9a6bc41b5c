import { above, timesOfSuites } from '../compare-suites.mjs'
import { median, summary } from '../measuring.mjs'

const many = 14
const few = 2

export const title = 'A file that never connects'
export const how = `A suite without a database and the same suite with the plugin, in turns, each a Vitest of its own; no test asks for the database. A file costs what the plugin adds to ${many} files, without what it adds to ${few}, so that what a run pays once falls out. Many short runs, since a difference of a few milliseconds is lost in long ones. Once as time, and once as the processor time of Vitest and its workers.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure(context) {
  const common = { testsPerFile: 1, variants: ['none', 'idle'], rounds: context.quick ? 5 : 21 }
  const fewTimes = await timesOfSuites(context, { ...common, files: few })
  const manyTimes = await timesOfSuites(context, { ...common, files: many })
  return ['wall', 'cpu'].map(clock => {
    const once = above(fewTimes, 'idle', clock)
    const added = above(manyTimes, 'idle', clock)
    const { spread, rounds } = summary(added.map(milliseconds => (milliseconds - median(once)) / (many - few)))
    return {
      name: `a file that never connects, ${clock === 'cpu' ? 'processor time' : 'time'}`,
      value: (median(added) - median(once)) / (many - few),
      unit: 'ms',
      promise: { below: 3 },
      spread,
      rounds,
      compared: `the plugin adds ${median(added).toFixed(0)} ms to ${many} files, ${median(once).toFixed(0)} ms to ${few}`,
    }
  })
}
