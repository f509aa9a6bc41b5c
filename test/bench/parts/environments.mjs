import { execFileSync } from 'node:child_process'
import { inTurns, summary } from '../measuring.mjs'

export const title = 'Loading @seedbed/environments'
export const how = `In a process of its own, how long \`require\` and \`import\` of the packed package take. What an application pays when it starts.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, quick }) {
  const load = statement => async () => {
    const script = `import { createRequire } from 'node:module'
      const require = createRequire(process.cwd() + '/')
      const start = performance.now(); ${statement}; console.log(performance.now() - start)`
    const options = { cwd: project.folder, encoding: 'utf8' }
    return Number(execFileSync(process.execPath, ['--input-type=module', '--eval', script], options))
  }
  const measured = await inTurns(
    { require: load(`require('@seedbed/environments')`), import: load(`await import('@seedbed/environments')`) },
    { rounds: quick ? 5 : 40 },
  )
  return Object.entries(measured).map(([name, times]) => {
    const { median, spread, rounds } = summary(times)
    return {
      name: `${name} of @seedbed/environments`,
      value: median,
      unit: 'ms',
      spread,
      rounds,
      promise: { below: 10 },
      compared: 'in a process that has loaded nothing else',
    }
  })
}
