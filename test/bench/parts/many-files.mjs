import { above, overhead, timesOfSuites } from '../compare-suites.mjs'
import { median, summary } from '../measuring.mjs'

export const title = 'A second run, many files, and a file that never connects'
export const how = `As with few files, and a fourth form: the plugin where no test asks for the database. What a file costs that never connects is what the plugin adds to 100 such files, without what it adds to 4, in files: so what a run pays once falls out.`

const many = { files: 100, testsPerFile: 4, below: 1.2 }
const few = { files: 4, testsPerFile: 4 }

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure(context) {
  const fewTimes = await timesOfSuites(context, { ...few, variants: ['none', 'idle'], rounds: context.quick ? 3 : 9 })
  const variants = ['none', 'hooks', 'seedbed', 'idle']
  const times = await timesOfSuites(context, { ...many, variants, rounds: context.quick ? 1 : 3 })
  return [overhead(times, many), neverConnects(fewTimes, times)]
}

function neverConnects(fewTimes, manyTimes) {
  const files = many.files - few.files
  const once = median(above(fewTimes, 'idle'))
  const added = above(manyTimes, 'idle')
  const { spread, rounds } = summary(added.map(milliseconds => (milliseconds - once) / files))
  return {
    name: 'a file that never connects',
    value: (median(added) - once) / files,
    unit: 'ms',
    promise: { below: 3 },
    spread,
    rounds,
    compared: `the plugin adds ${median(added).toFixed(0)} ms to ${many.files} files, ${once.toFixed(0)} ms to ${few.files}`,
  }
}
