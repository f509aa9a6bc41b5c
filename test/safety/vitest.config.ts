import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['../../packages/vitest/test/support/home.ts', '../../packages/vitest/test/support/modules.ts'],
    testTimeout: 60_000,
    maxWorkers: '100%',
  },
})
