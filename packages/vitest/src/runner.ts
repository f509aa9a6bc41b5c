import type { WorkerScopes } from '@seedbed/core/scopes'
import * as vitest from 'vitest'
import { scopeOf } from './scope.js'

// Vitest 4.1 and 5 export it from here; 3.2 only from vitest/runners, which 5 does not have.
const Base = vitest.TestRunner ?? (await import('vitest/runners')).VitestTestRunner
const { getCurrentSuite } = vitest.TestRunner ?? (await import('vitest/suite'))

/** The only place that sees a `describe` begin and end, and the first that sees a file. */
export default class SeedbedRunner extends Base {
  private scopes: WorkerScopes | undefined
  private opening: Promise<void> | undefined
  onCollected = (): void => void (this.opening = undefined) // Vitest collects one file at a time.
  // The main process transforms the file while this one opens its worker. The import takes what it has; 3.2 cannot ask.
  onBeforeCollect = ([path = '']: string[]): void =>
    void Promise.allSettled([Reflect.get(this, 'moduleRunner')?.fetchModule?.(path.replace(this.config.root, ''))])
  override async importFile(path: string, source: 'setup' | 'collect'): Promise<unknown> {
    await (this.opening ??= this.open()) // Before setup files, so that they find DATABASE_URL as the worker's.
    return super.importFile(path, source)
  }

  override async onBeforeRunSuite(suite: vitest.RunnerTestSuite): Promise<void> {
    await super.onBeforeRunSuite(suite)
    await this.scopes?.enter(scopeOf(suite))
  }

  override async onAfterRunSuite(suite: vitest.RunnerTestSuite): Promise<void> {
    await this.scopes?.leave(scopeOf(suite))
    await super.onAfterRunSuite(suite)
  }

  override onBeforeTryTask(test: vitest.RunnerTestCase): Promise<void> | void {
    super.onBeforeTryTask(test)
    if (!vitest.aroundEach) return this.scopes?.enter(scopeOf(test))
  }

  override async onAfterRunTask(test: vitest.RunnerTestCase): Promise<void> {
    super.onAfterRunTask(test)
    if (!vitest.aroundEach) await this.scopes?.leave(scopeOf(test))
  }

  private async open({ VITEST_POOL_ID: slot } = process.env): Promise<void> {
    const { openScopes } = await import('@seedbed/core/scopes')
    this.scopes = await openScopes(vitest.inject('seedbed'), Number(slot), { print: console.warn, blocks })
    vitest.aroundEach?.(async (runTest, { task }) => {
      if (this.config.unstubEnvs) vitest.vi.unstubAllEnvs() // As Vitest does before the test, but only inside of this.
      await this.scopes?.enter(scopeOf(task)) // Outermost: the user's own aroundEach is inside. Vitest 3.2 has none.
      await runTest() // Never rejects, even when the test fails.
      await this.scopes?.leave(scopeOf(task))
    })
  }
}

const blocks = ({ name, suite, tasks } = getCurrentSuite()) => ({
  block: name ? suite : undefined, // The one at the top of a file has no name.
  entries: tasks.map(each => (each.type === 'collector' ? each.suite! : each)),
})
