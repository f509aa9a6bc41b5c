import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../../scripts/workspaces.mjs'
import { configWith, passing } from './files.js'
import { makeFolder, usersAndPosts } from '../../contract/test/support/folder.js'
import { snippet } from './scenario.js'

// A pipeline starts a dozen programs, each by npx.
vi.setConfig({ testTimeout: 300_000 })

const document = 'docs/guide/ci.md'
const files = {
  ...usersAndPosts,
  'package.json': '{ "name": "shop", "type": "module" }',
  'vitest.config.ts': configWith(''),
  'a.test.ts': passing,
  'b.test.ts': passing,
}

/** What `npm ci` installs: the packages, and the commands of two of them. */
let modules: string
beforeAll(async () => {
  modules = await mkdtemp('/tmp/seedbed-ci-modules-')
  const installed = process.env.SEEDBED_TEST_MODULES!
  for (const name of await readdir(installed)) await symlink(join(installed, name), join(modules, name))
  await mkdir(join(modules, '.bin'))
  const programs = { seedbed: 'packages/cli/dist/main.js', vitest: 'node_modules/vitest/vitest.mjs' }
  for (const [name, file] of Object.entries(programs)) {
    const script = `#!/bin/sh\nexec '${process.execPath}' '${join(root, file)}' "$@"\n`
    await writeFile(join(modules, '.bin', name), script, { mode: 0o755 })
  }
})
afterAll(() => rm(modules, { recursive: true }))

/** What the CI keeps between its jobs, in place of its own storage. */
let storage: string
beforeEach(async () => {
  storage = await mkdtemp(join(tmpdir(), 'seedbed-ci-cache-'))
})
afterEach(() => rm(storage, { recursive: true }))

interface GitHubStep {
  id?: string
  uses?: string
  run?: string
  with?: Record<string, string | number>
}

test('GitHub Actions: the second job initialises, builds and clones nothing', async () => {
  const workflow = parse(snippet(document, 'GitHub Actions', 'yaml').text) as {
    jobs: { test: { env: Record<string, string>; strategy: { matrix: { shard: number[] } }; steps: GitHubStep[] } }
  }
  const { env, strategy, steps } = workflow.jobs.test
  const outputs: Record<string, string>[] = []
  for (const shard of strategy.matrix.shard) outputs.push(await gitHubJob(shard, env, steps))
  const [first, second] = outputs
  expect(first!['npx seedbed prepare']).toMatch(/template built: the first of this project/)
  expect(second!['npx seedbed prepare']).toMatch(/· template was there · \d+ worker databases? were there/)
  expectNothingMade(second!['npx vitest run --shard=2/2']!)
  expect(second!['npx seedbed prepare']).not.toMatch(/initialising|made anew|mended/)
})

/** Runs its steps in a checkout of its own; answers with what each command has printed. */
async function gitHubJob(shard: number, jobEnv: Record<string, string>, steps: GitHubStep[]) {
  await using project = await checkout()
  const { folder } = project
  const values: Record<string, string> = { 'github.workspace': folder, 'matrix.shard': String(shard) }
  const filled = (text: string) => text.replaceAll(/\$\{\{ (.+?) \}\}/g, (_, name: string) => values[name]!)
  const outputFile = join(storage, 'github-output')
  const env = { GITHUB_OUTPUT: outputFile, ...mapValues(jobEnv, filled) }
  const printed: Record<string, string> = {}
  let save = async () => {}
  for (const step of steps) {
    if (step.uses?.startsWith('actions/cache@')) {
      const path = String(step.with!.path)
      const file = join(storage, `${filled(String(step.with!.key))}.tar`)
      if (existsSync(file)) await sh(folder, `tar -xf '${file}'`, env)
      else save = async () => void (await sh(folder, `tar -cf '${file}' '${path}'`, env))
    } else if (step.run !== undefined) {
      await writeFile(outputFile, '')
      const command = filled(step.run)
      printed[command] = await inJob(folder, command, env)
      for (const [, name, value] of (await readFile(outputFile, 'utf8')).matchAll(/^(\w+)=(.+)$/gm)) {
        values[`steps.${step.id}.outputs.${name}`] = value!
      }
    } else expect(step.uses).toMatch(/^actions\/(checkout|setup-node)@/)
  }
  await save()
  return printed
}

test('a cache from an unlike machine: the line that is shown is the one that comes', async () => {
  await using there = await checkout()
  const env = { SEEDBED_HOME: '.seedbed' }
  await inJob(there.folder, 'npx seedbed prepare', env)
  await using here = await checkout()
  await sh(here.folder, `cp -a '${there.folder}/.seedbed' .`, env)
  const [name] = await readdir(join(here.folder, '.seedbed/clusters'))
  const file = join(here.folder, '.seedbed/clusters', name!, 'cluster.json')
  await writeFile(file, (await readFile(file, 'utf8')).replace(/"C library": "[^"]+"/, '"C library": "glibc 2.31"'))
  const shown = snippet(document, 'What is noticed', 'text').text.trim()
  const [line] = (await inJob(here.folder, 'npx seedbed prepare', env)).match(/^.*made anew.*$/m)!
  const ofAnybody = (text: string) => text.replace(/cluster \S+/, 'cluster').replace(/\S+$/, '')
  expect(ofAnybody(line)).toBe(ofAnybody(shown))
})

interface GitLabJob {
  stage: string
  script: string[]
  parallel?: number
  cache: { key: string; paths: string[]; policy?: string }
}

const hasZip = ['zip', 'unzip'].every(program => {
  try {
    return execFileSync(program, ['-v']).length > 0
  } catch {
    return false
  }
})

test.skipIf(!hasZip)(
  'GitLab: the jobs of the second stage initialise, build and clone nothing (only with zip and unzip)',
  async () => {
    const pipeline = parse(snippet(document, 'GitLab', 'yaml').text) as {
      variables: Record<string, string>
      stages: string[]
      prepare: GitLabJob
      test: GitLabJob
    }
    const { variables, stages, prepare, test: tests } = pipeline
    expect(stages).toEqual([prepare.stage, tests.stage])
    const prepared = await gitLabJob(prepare, variables)
    expect(prepared).toMatch(/template built: the first of this project/)
    for (let index = 1; index <= tests.parallel!; index += 1) {
      const output = await gitLabJob(tests, variables, index)
      expectNothingMade(output)
      expect(output).toMatch(/mended the cached cluster .*were empty and left out/)
    }
    expect(await gitLabJob(prepare, variables)).toMatch(/template was there · \d+ worker databases? were there/)
  },
)

async function gitLabJob(job: GitLabJob, variables: Record<string, string>, index = 1): Promise<string> {
  await using project = await checkout()
  const { folder } = project
  const predefined: Record<string, string> = {
    CI_PROJECT_DIR: folder,
    CI_NODE_INDEX: String(index),
    CI_NODE_TOTAL: String(job.parallel ?? 1),
  }
  const filled = (text: string) => text.replaceAll(/\$(\w+)/g, (_, name: string) => predefined[name]!)
  const env = { ...predefined, ...mapValues(variables, filled) }
  const file = join(storage, `${job.cache.key}.zip`)
  if (existsSync(file)) await sh(folder, `unzip -q '${file}'`, env)
  let printed = ''
  for (const command of job.script) printed += await inJob(folder, command, env)
  if (job.cache.policy !== 'pull') {
    await rm(file, { force: true })
    // -D: without entries for folders, so that the empty ones are lost.
    await sh(folder, `zip -qrD '${file}' ${job.cache.paths.join(' ')}`, env)
  }
  return printed
}

/** Another path for each job. */
const checkout = () => makeFolder(files, modules)

/** As a CI does it; `npm ci` is what `checkout` has done. */
async function inJob(folder: string, command: string, env: Record<string, string>): Promise<string> {
  if (command === 'npm ci') return ''
  return sh(folder, command, env)
}

async function sh(folder: string, command: string, env: Record<string, string>): Promise<string> {
  const { PATH, HOME } = process.env
  const options = { cwd: folder, env: { PATH, HOME, NO_COLOR: '1', CI: 'true', ...env } }
  const { stdout, stderr } = await promisify(execFile)('bash', ['-e', '-c', command], options)
  return stdout + stderr
}

function expectNothingMade(output: string): void {
  expect(output).toMatch(
    /^seedbed {2}embedded PostgreSQL [\d.]+ started · template reused · \d+ databases? recycled · /m,
  )
  expect(output).toMatch(/Tests {2}1 passed/)
  expect(output).not.toMatch(/initialis|made anew|building|built| cloned/)
}

function mapValues(record: Record<string, string>, change: (value: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}
