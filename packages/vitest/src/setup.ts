import { openWorker } from '@seedbed/core/worker'
import * as vitest from 'vitest'
import { scopeOf } from './scope.js'

const worker = openWorker(vitest.inject('seedbed'), Number(process.env.VITEST_POOL_ID))

// Outermost, so that the user's own aroundEach stands inside the test's scope. Vitest 3.2 has none: see the runner.
vitest.aroundEach?.(async (runTest, { task }) => {
  await worker.enter(scopeOf(task))
  // Never rejects, even when the test fails.
  await runTest()
  await worker.leave(scopeOf(task))
})
