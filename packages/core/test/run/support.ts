import { afterEach, beforeEach } from 'vitest'
import { writeFiles } from '../migrations/project.js'
import { testHome, type TestHome } from '../server/support.js'

export interface TestProject {
  /** Holds a `package.json`, and what the test writes. */
  folder: string
  write(files: Record<string, string>): Promise<void>
}

/** For each test a project and a SEEDBED_HOME of its own; the servers that it leaves end with it. */
export function useProject(): TestProject {
  restoreEnvironmentAfterEach()
  const project = {} as TestProject
  let place: TestHome
  beforeEach(async () => {
    place = await testHome()
    process.env.SEEDBED_HOME = place.home
    project.folder = place.project
    await project.write({ 'package.json': '{}' })
  })
  afterEach(() => place[Symbol.asyncDispose]())
  project.write = files => writeFiles(project.folder, files)
  return project
}

/** A run sets variables of its process, and so do its workers. */
export function restoreEnvironmentAfterEach(): void {
  const outside = { ...process.env }
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in outside)) delete process.env[name]
    Object.assign(process.env, outside)
  })
}
