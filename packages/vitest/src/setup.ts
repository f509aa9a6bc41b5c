import { openScopes } from '@seedbed/core/scopes'
import * as vitest from 'vitest'
import { scopeOf } from './scope.js'

const scopes = await openScopes(vitest.inject('seedbed'), Number(process.env.VITEST_POOL_ID))

// Outermost, so that the user's own aroundEach stands inside the test's scope. Vitest 3.2 has none: see the runner.
vitest.aroundEach?.(async (runTest, { task }) => {
  await scopes.enter(scopeOf(task))
  // Never rejects, even when the test fails.
  await runTest()
  await scopes.leave(scopeOf(task))
})
