import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Config } from '@jest/types'
import { startRuns, workerErrors } from '@seedbed/core'

/** Jest calls it once, in the main process, before the first test. */
export default async function setup(all: Config.GlobalConfig, first: Config.ProjectConfig): Promise<void> {
  const projects = all.projects.length > 1 ? await readProjects(all) : [first]
  const ours = fileURLToPath(import.meta.resolve('./environment.js'))
  const without = projects.find(({ testEnvironment }) => testEnvironment !== ours)
  if (without) {
    const { displayName: { name: project } = { name: without.id }, rootDir: file } = without
    throw workerErrors.PROJECT_WITHOUT_SETUP({ project, file, line: "preset: '@seedbed/jest'" })
  }
  process.env.SEEDBED_ENVIRONMENT_REPLACED = workerErrors.ENVIRONMENT_REPLACED({}).message
  await startRuns({ folders: [...new Set(projects.map(({ rootDir }) => rootDir))], slots: all.maxWorkers })
}

/** Jest hands over only one of them, but has read them all, with a module that package managers may hide from us. */
async function readProjects({ projects, rootDir }: Config.GlobalConfig): Promise<Config.ProjectConfig[]> {
  const loaded = Object.values(createRequire(import.meta.url).cache)
  const { readConfig } = loaded.find(each => /[\\/]jest-config[\\/]build[\\/]index\.js$/.test(each!.id))!.exports
  const read = (project: string, index: number) => readConfig({}, project, true, rootDir, index, true)
  return (await Promise.all(projects.map(read))).map(({ projectConfig }) => projectConfig)
}
