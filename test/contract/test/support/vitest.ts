import type { Runner } from './project.js'

export const vitest: Runner = {
  name: 'vitest',
  config: ({ setupFiles = [], retries = 0 }) => ({
    'package.json': '{ "name": "project", "type": "module" }',
    'vitest.config.js': `
      import { defineConfig } from 'vitest/config'
      import seedbed from '@seedbed/vitest/plugin'
      const test = { globals: true, retry: ${retries}, setupFiles: ${JSON.stringify(setupFiles)} }
      export default defineConfig({ plugins: [seedbed()], test })`,
  }),
  args: ({ workers, timeout }) => [
    'run',
    ...(workers === undefined ? [] : [`--maxWorkers=${workers}`]),
    ...(timeout === undefined ? [] : [`--testTimeout=${timeout}`]),
    '--reporter=default',
    '--reporter=json',
    '--outputFile=results.json',
  ],
  program: 'vitest/vitest.mjs',
  source: text => text.replaceAll("'seedbed'", "'@seedbed/vitest'"),
}
