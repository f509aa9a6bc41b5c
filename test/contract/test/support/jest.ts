import type { Runner } from './project.js'

export const jest: Runner = {
  name: 'jest',
  config: ({ setupFiles = [], retries = 0 }) => ({
    'package.json': '{ "name": "project" }',
    'jest.config.js': `
      const setupFiles = ${JSON.stringify(setupFiles)}
      const setupFilesAfterEnv = ['./retries.js']
      module.exports = { preset: '@seedbed/jest', setupFiles, setupFilesAfterEnv }`,
    'retries.js': `jest.retryTimes(${retries})`,
  }),
  args: ({ workers, timeout }) => [
    ...(workers === undefined ? [] : workers === 1 ? ['--runInBand'] : [`--maxWorkers=${workers}`]),
    ...(timeout === undefined ? [] : [`--testTimeout=${timeout}`]),
    '--json',
    '--outputFile=results.json',
  ],
  program: 'jest/bin/jest.js',
  source: asCommonJs,
}

/** Enough for the sources of these tests. */
function asCommonJs(text: string): string {
  const exported = [...text.matchAll(/^\s*export (?:async )?(?:const|function) (\w+)/gm)].map(([, name]) => name)
  const body = text
    .replaceAll("'seedbed'", "'@seedbed/jest'")
    .replaceAll(/^(\s*)import (\S+|\{.*?\}) from ('.*?')/gm, '$1const $2 = require($3)')
    .replaceAll(/^(\s*)export (?=async |const |function )/gm, '$1')
  return exported.length > 0 ? `${body}\nmodule.exports = { ${exported.join(', ')} }` : body
}
