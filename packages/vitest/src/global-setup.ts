import { availableParallelism } from 'node:os'
import { publishReport, startRun, workerErrors, type FailedRun, type RunHandle } from '@seedbed/core'
import type { TestProject } from 'vitest/node'
import { runnerFile } from './plugin.js'

declare module 'vitest' {
  interface ProvidedContext {
    seedbed: RunHandle | FailedRun
  }
}

/** Vitest calls it once a project, in the main process, before the first test; what it answers, after the last. */
export default async function setup(project: TestProject, { vitest } = project): Promise<(() => Promise<void>) | void> {
  const without = vitest.projects.find(({ config: { browser, runner } }) => !browser.enabled && runner !== runnerFile)
  const [line, file] = ['extends: true, or plugins: [seedbed()],', without?.vite.config.configFile || 'the same file']
  if (without) throw workerErrors.PROJECT_WITHOUT_SETUP({ project: without.name, file, line })
  if (!vitest.projects.includes(project)) return
  const run = await startRun({ folder: project.config.root, slots: slotsOf(project), watch: vitest.config.watch })
  project.provide('seedbed', run.handle)
  const isOurs = run.watch(project.vite.watcher)
  const testsToRun = (changed: string) => (isOurs(changed) ? vitest.state.getFilepaths() : undefined)
  vitest.config.watchTriggerPatterns = [...(vitest.config.watchTriggerPatterns ?? []), { pattern: /^/, testsToRun }]
  project.onTestsRerun(async () => project.provide('seedbed', await run.refresh(Reflect.get(vitest, 'runningPromise'))))
  return async () => publishReport(await run.close())
}

/** The numbers that VITEST_POOL_ID can take: Vitest 4 and 5 resolve maxWorkers, 3.2 has it in each pool's options. */
function slotsOf({ config, vitest }: TestProject): number {
  const { poolOptions = {} } = config as { poolOptions?: Record<string, { maxForks?: number; maxThreads?: number }> }
  const ofPools = Object.values(poolOptions).flatMap(pool => [pool.maxForks, pool.maxThreads])
  const known = [config.maxWorkers, vitest.config.maxWorkers, ...ofPools].filter(limit => typeof limit === 'number')
  return known.length > 0 ? Math.max(...known) : availableParallelism()
}
