import { openedScopes } from '@seedbed/core/scopes'
import * as vitest from 'vitest'
import type { RunnerTestCase, RunnerTestSuite } from 'vitest'
import { scopeOf } from './scope.js'

// Vitest 4.1 and 5 export it from here; 3.2 only from vitest/runners, which 5 does not have.
const Base = vitest.TestRunner ?? (await import('vitest/runners')).VitestTestRunner

/** The only place that sees a `describe` begin and end. There is no worker where the setup file has refused to start. */
export default class SeedbedRunner extends Base {
  override async onBeforeRunSuite(suite: RunnerTestSuite): Promise<void> {
    await super.onBeforeRunSuite(suite)
    await openedScopes()?.enter(scopeOf(suite))
  }

  override async onAfterRunSuite(suite: RunnerTestSuite): Promise<void> {
    await openedScopes()?.leave(scopeOf(suite))
    await super.onAfterRunSuite(suite)
  }

  override onBeforeTryTask(test: RunnerTestCase): Promise<void> | void {
    super.onBeforeTryTask(test)
    if (!vitest.aroundEach) return openedScopes()?.enter(scopeOf(test))
  }

  override async onAfterRunTask(test: RunnerTestCase): Promise<void> {
    super.onAfterRunTask(test)
    if (!vitest.aroundEach) await openedScopes()?.leave(scopeOf(test))
  }
}
