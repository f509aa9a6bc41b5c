import { defineConfig } from 'vitest/config'

/** `npm run compat` names one, with the modules of another version. */
const { SEEDBED_TEST_RUNNER: one } = process.env

/** The same tests for each runner. */
export default defineConfig({
  test: {
    globalSetup: ['../../packages/vitest/test/support/home.ts', '../../packages/vitest/test/support/modules.ts'],
    testTimeout: 60_000,
    maxWorkers: '100%',
    projects: (one ? [one] : ['vitest', 'jest']).map(runner => ({
      extends: true,
      test: {
        name: runner,
        include: ['test/*.test.ts', `test/${runner}/*.test.ts`],
        env: { SEEDBED_TEST_RUNNER: runner },
      },
    })),
  },
})
