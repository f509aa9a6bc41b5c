import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inTurns, summary } from '../measuring.mjs'

export const title = 'Loading @seedbed/environments'
export const how = `What an application pays when it starts: in a process of its own, how long \`require\` and \`import\` of the packed package take, each less what an empty package takes, with which Node gets its loader ready.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, quick }) {
  const empty = join(project.folder, 'node_modules', 'an-empty-package')
  await mkdir(empty, { recursive: true })
  await writeFile(join(empty, 'index.js'), 'exports.nothing = undefined\n')
  const load = statement => async () => {
    const script = `import { createRequire } from 'node:module'
      const require = createRequire(process.cwd() + '/')
      const start = performance.now(); ${statement}; console.log(performance.now() - start)`
    const options = { cwd: project.folder, encoding: 'utf8' }
    return Number(execFileSync(process.execPath, ['--input-type=module', '--eval', script], options))
  }
  const statements = { require: name => `require('${name}')`, import: name => `await import('${name}')` }
  const figures = []
  for (const [name, statement] of Object.entries(statements)) {
    const { ours, bare } = await inTurns(
      { ours: load(statement('@seedbed/environments')), bare: load(statement('an-empty-package')) },
      { rounds: quick ? 5 : 40 },
    )
    const { median, spread, rounds } = summary(ours.map((time, round) => time - bare[round]))
    figures.push({
      name: `${name} of @seedbed/environments`,
      value: median,
      unit: 'ms',
      spread,
      rounds,
      promise: { below: 10 },
      compared: `${summary(ours).median.toFixed(1)} ms, an empty package ${summary(bare).median.toFixed(1)} ms`,
    })
  }
  return figures
}
