import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeFolder, usersAndPosts, type ProjectFolder } from './folder.js'
import { jest } from './jest.js'
import { startProgram, type Ended, type Running } from './program.js'
import { vitest } from './vitest.js'

/** What `npm run compat` sets, to run these tests with another version of a runner and another Node. */
const {
  SEEDBED_TEST_MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url)),
  SEEDBED_TEST_NODE: node = process.execPath,
  SEEDBED_TEST_RUNNER: name = 'vitest',
  SEEDBED_TEST_ISOLATION = 'transaction',
} = process.env

/** The folder in which the projects find the runner and its adapter. */
export const modules = SEEDBED_TEST_MODULES

/** What differs between the runners. */
export interface Runner {
  name: 'vitest' | 'jest'
  /** Of the config, with these options in the runner's own form. */
  config(options: ConfigOptions): Record<string, string>
  /** Of its command line. */
  args(options: RunOptions): string[]
  /** Its program, below the modules. */
  program: string
  /** A source file as it has to be written for it. They are ES modules that import `db` and `seeds` from `seedbed`. */
  source(text: string): string
}

export interface ConfigOptions {
  setupFiles?: string[]
  /** How often a test is repeated that fails. */
  retries?: number
}

export interface RunOptions {
  workers?: number
  /** Of a test, in milliseconds. */
  timeout?: number
  args?: string[]
  env?: Record<string, string>
}

export interface Outcome extends Ended {
  /** By the tests' names, of all files: how often each ended in which way. */
  tests: Record<string, string[]>
}

export interface Project extends ProjectFolder {
  run(options?: RunOptions): Promise<Outcome>
  start(options?: RunOptions): Running
}

/** Of the projects' configs. */
export const isolation = SEEDBED_TEST_ISOLATION as 'transaction' | 'restore' | 'database'

export const runner: Runner = { vitest, jest }[name]!

export async function makeProject(files: Record<string, string>, options: ConfigOptions = {}): Promise<Project> {
  const sources = (some: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(some).map(([path, text]) => [path, path.endsWith('.js') ? runner.source(text) : text]),
    )
  const config = { 'seedbed.config.json': JSON.stringify({ isolation }) }
  const project = await makeFolder(
    { ...usersAndPosts, ...config, ...runner.config(options), ...sources(files) },
    modules,
  )
  const results = join(project.folder, 'results.json')
  const start: Project['start'] = ({ args = [], env = {}, ...options } = {}) =>
    startProgram([node, join(modules, runner.program), ...runner.args(options), ...args], project.folder, env)
  return {
    ...project,
    write: some => project.write(sources(some)),
    start,
    async run(options) {
      await rm(results, { force: true })
      const ended = await start(options).ended
      return { ...ended, tests: await readResults(results) }
    },
  }
}

/** Vitest writes what Jest does. A run that failed in its set-up has none. */
async function readResults(file: string): Promise<Outcome['tests']> {
  const text = await readFile(file, 'utf8').catch(() => '{ "testResults": [] }')
  const { testResults } = JSON.parse(text) as {
    testResults: { assertionResults: { title: string; status: string }[] }[]
  }
  const tests: Outcome['tests'] = {}
  for (const { title, status } of testResults.flatMap(({ assertionResults }) => assertionResults)) {
    ;(tests[title] ??= []).push(status)
  }
  return tests
}
