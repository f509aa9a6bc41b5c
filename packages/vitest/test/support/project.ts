import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeFolder, usersAndPosts, type ProjectFolder } from '../../../../test/contract/test/support/folder.js'
import { startProgram, type Ended, type Running } from '../../../../test/contract/test/support/program.js'

export type Outcome = Ended

/** What `npm run compat` sets, to run this suite with another Vitest and another Node. */
const {
  SEEDBED_TEST_MODULES: modules = fileURLToPath(new URL('../../../../node_modules', import.meta.url)),
  SEEDBED_TEST_NODE: node = process.execPath,
} = process.env

/** Of the Vitest that runs the projects: 3, 4 or 5. */
export const vitestMajor = Number(
  JSON.parse(readFileSync(join(modules, 'vitest/package.json'), 'utf8')).version.split('.')[0],
)

/** What a project has if a test does not say otherwise: two tables, three rows, the one line. */
const usualFiles: Record<string, string> = {
  ...usersAndPosts,
  'package.json': '{ "name": "project", "type": "module" }',
  'vitest.config.ts': `
    import { defineConfig } from 'vitest/config'
    import seedbed from '@seedbed/vitest/plugin'
    export default defineConfig({ plugins: [seedbed()] })`,
}

export interface Project extends ProjectFolder {
  /** Runs Vitest (`run` unless `args` says otherwise) to its end. */
  vitest(options?: { args?: string[]; env?: Record<string, string> }): Promise<Outcome>
  /** Starts it and leaves it running. */
  start(options?: { args?: string[]; env?: Record<string, string> }): Running
}

export async function makeProject(files: Record<string, string> = {}): Promise<Project> {
  const project = await makeFolder({ ...usualFiles, ...files }, modules)
  const start: Project['start'] = ({ args = ['run'], env = {} } = {}) =>
    startProgram([node, join(modules, 'vitest', 'vitest.mjs'), ...args], project.folder, env)
  return { ...project, start, vitest: options => start(options).ended }
}
