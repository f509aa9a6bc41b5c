import { how as howCompared, overhead, timesOfSuites } from '../compare-suites.mjs'

export const title = 'Jest, a second run'
export const how = `${howCompared} The test files are CommonJS, so that Jest transforms nothing.`

const sizes = [
  { files: 4, testsPerFile: 100, below: 1.3 },
  { files: 100, testsPerFile: 4, below: 1.3 },
]

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure(context) {
  const figures = []
  for (const size of sizes) {
    const rounds = context.quick ? 1 : size.files > 10 ? 5 : 9
    const variants = ['none', 'hooks', 'seedbed']
    figures.push(overhead(await timesOfSuites(context, { ...size, runner: 'jest', variants, rounds }), size))
  }
  return figures
}
