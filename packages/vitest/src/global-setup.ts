import { availableParallelism } from 'node:os'
import { SeedbedError, reportLines, startRun, type RunHandle } from '@seedbed/core'
import { workerErrors } from '@seedbed/core/worker'
import type { TestProject } from 'vitest/node'
import { setupFile } from './plugin.js'

declare module 'vitest' {
  interface ProvidedContext {
    seedbed: RunHandle | { failure: string }
  }
}

/** Vitest calls it once a project, in the main process, before the first test; what it answers, after the last. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  refuseProjectsWithoutSetup(project)
  if (!project.vitest.projects.includes(project)) return undefined
  const run = await startRun({ folder: project.config.root, slots: slotsOf(project), progress: print }).catch(plainly)
  project.provide('seedbed', run.handle)
  project.vitest.config.forceRerunTriggers.push(...run.watched.flatMap(globs))
  project.vite.watcher.add(run.watched)
  project.onTestsRerun(async () => {
    const next = await run.refresh().catch((error: Error) => ({ failure: error.message }))
    project.provide('seedbed', next)
  })
  return async () => {
    for (const line of reportLines(await run.close(), process.env.SEEDBED_REPORT === '1')) console.log(line)
  }
}

/** A project that does not inherit the plugin would run its tests on whatever DATABASE_URL says. */
function refuseProjectsWithoutSetup({ vitest }: TestProject): void {
  const without = vitest.projects.find(
    ({ config }) => !config.browser.enabled && !config.setupFiles.includes(setupFile),
  )
  if (!without) return
  const error = workerErrors.RUNNER_UNSUPPORTED({
    problem: `the Vitest project "${without.name}" does not have the plugin, so its tests would have no database of their own`,
    remedy: `Add extends: true to that project, or plugins: [seedbed()] to its own config${typeof without.vite.config.configFile === 'string' ? ` (${without.vite.config.configFile})` : ''}.`,
  })
  plainly(error)
}

/** The numbers that VITEST_POOL_ID can take: Vitest 4 and 5 resolve maxWorkers, 3.2 has it in each pool's options. */
function slotsOf({ config, vitest }: TestProject): number {
  const pools = Object.values(
    (config as { poolOptions?: Record<string, { maxForks?: number; maxThreads?: number }> }).poolOptions ?? {},
  )
  const limits = [
    config.maxWorkers,
    vitest.config.maxWorkers,
    ...pools.flatMap(pool => [pool.maxForks, pool.maxThreads]),
  ]
  const known = limits.filter(limit => typeof limit === 'number')
  return known.length > 0 ? Math.max(...known) : availableParallelism()
}

/** An error that explains itself needs no stack, which would point into Seedbed. */
function plainly(error: unknown): never {
  if (error instanceof SeedbedError) error.stack = `${error.name}: ${error.message}`
  throw error
}

/** A file itself, or all that is in a folder; brackets and the like in a path are letters here. */
function globs(path: string): string[] {
  const literally = path.replaceAll(/[()[\]{}!*?+@|]/g, '\\$&')
  return [literally, `${literally}/**`]
}

const print = (line: string) => console.log(`seedbed  ${line}`)
