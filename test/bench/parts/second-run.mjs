import { how, overhead, timesOfSuites } from '../compare-suites.mjs'

export { how }
export const title = 'A second run, few files'

const size = { files: 4, testsPerFile: 100, below: 1.5 }

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure(context) {
  const rounds = context.quick ? 3 : 11
  return [overhead(await timesOfSuites(context, { ...size, variants: ['none', 'hooks', 'seedbed'], rounds }), size)]
}
