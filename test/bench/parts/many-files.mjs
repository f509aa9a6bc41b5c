import { how, overhead, timesOfSuites } from '../compare-suites.mjs'

export { how }
export const title = 'A second run, many files'

const size = { files: 100, testsPerFile: 4, below: 1.2 }

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure(context) {
  const rounds = context.quick ? 1 : 5
  return [overhead(await timesOfSuites(context, { ...size, variants: ['none', 'hooks', 'seedbed'], rounds }), size)]
}
