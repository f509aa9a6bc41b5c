import { openedScopes, openScopes } from '@seedbed/core/scopes'
import * as vitest from 'vitest'
import { scopeOf } from './scope.js'

// Vitest 4.1 and 5 export it from here; 3.2 only from vitest/runners, which 5 does not have.
const Base = vitest.TestRunner ?? (await import('vitest/runners')).VitestTestRunner
const { getCurrentSuite } = vitest.TestRunner ?? (await import('vitest/suite'))

/** The only place that sees a `describe` begin and end, and the first that sees a file. */
export default class SeedbedRunner extends Base {
  private opening: Promise<void> | undefined
  onCollected = (): void => void (this.opening = undefined) // Vitest collects one file at a time.

  override async importFile(path: string, source: 'setup' | 'collect'): Promise<unknown> {
    // The main process transforms the file while this one opens its worker. The import takes what it has; 3.2 cannot ask.
    const url = source === 'collect' && path.replace(this.config.root, '')
    if (url) void Promise.allSettled([Reflect.get(this, 'moduleRunner')?.fetchModule?.(url)])
    await (this.opening ??= openFile()) // Before setup files, so that they find DATABASE_URL as the worker's.
    return super.importFile(path, source)
  }

  override async onBeforeRunSuite(suite: vitest.RunnerTestSuite): Promise<void> {
    await super.onBeforeRunSuite(suite)
    await openedScopes()?.enter(scopeOf(suite))
  }

  override async onAfterRunSuite(suite: vitest.RunnerTestSuite): Promise<void> {
    await openedScopes()?.leave(scopeOf(suite))
    await super.onAfterRunSuite(suite)
  }

  override onBeforeTryTask(test: vitest.RunnerTestCase): Promise<void> | void {
    super.onBeforeTryTask(test)
    if (!vitest.aroundEach) return openedScopes()?.enter(scopeOf(test))
  }

  override async onAfterRunTask(test: vitest.RunnerTestCase): Promise<void> {
    super.onAfterRunTask(test)
    if (!vitest.aroundEach) await openedScopes()?.leave(scopeOf(test))
  }
}

const blocks = ({ name, suite, tasks } = getCurrentSuite()) => ({
  block: name ? suite : undefined, // The one at the top of a file has no name.
  entries: tasks.map(each => (each.type === 'collector' ? each.suite! : each)),
})

async function openFile({ VITEST_POOL_ID: slot } = process.env): Promise<void> {
  const scopes = await openScopes(vitest.inject('seedbed'), Number(slot), { print: console.warn, blocks })
  // Outermost, so that the user's own aroundEach stands inside the test's scope. Vitest 3.2 has none: see above.
  vitest.aroundEach?.(async (runTest, { task }) => {
    await scopes.enter(scopeOf(task))
    await runTest() // Never rejects, even when the test fails.
    await scopes.leave(scopeOf(task))
  })
}
