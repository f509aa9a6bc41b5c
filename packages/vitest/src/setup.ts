import { openWorker } from '@seedbed/core/worker'
import * as vitest from 'vitest'
import { scopeOf } from './scope.js'

const run = vitest.inject('seedbed')
if (!run) throw new Error('Seedbed has not started a run for this project; this is a bug in Seedbed')
if ('failure' in run) throw new Error(run.failure)
const worker = openWorker(run, Number(process.env.VITEST_POOL_ID))

// Outermost, so that the aroundEach hooks of the user stand inside the test's scope. Vitest 3.2 has none; there the
// runner enters and leaves.
vitest.aroundEach?.(async (runTest, { task }) => {
  const scope = scopeOf(task)
  await worker.enter(scope)
  // Never rejects, even when the test fails.
  await runTest()
  await worker.leave(scope)
})
