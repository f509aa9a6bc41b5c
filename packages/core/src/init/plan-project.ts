import { basename } from 'node:path'
import { findConfig } from '@seedbed/environments'
import { configErrors } from '../config/errors.js'
import { ownVersion } from '../server/own-package.js'
import type { Changes, FileChange } from './file-change.js'
import { findProjectMigrations } from './find-migrations.js'
import { findRunners, type FoundRunner, type RunnerName } from './find-runners.js'
import { findUrls } from './find-urls.js'
import { findVariables } from './find-variables.js'
import { firstTest, usesModuleFlag } from './first-test.js'
import { planJestConfig } from './jest-config.js'
import { findPackageManager, installCommand, programCommand, type PackageManager } from './package-manager.js'
import type { InitInstall, InitOptions, InitPlan, InitTest } from './plan-init.js'
import { installedVersion, readProject, type Project } from './read-project.js'
import { planSeedbedConfig } from './seedbed-config.js'
import { textOf } from './text-of.js'
import { planVitestConfig } from './vitest-config.js'

/** See `planInit`. */
export async function planProject({ folder: from, runner }: InitOptions): Promise<InitPlan> {
  const project = readProject(from)
  const { folder } = project
  const runners = findRunners(project, runner)
  const packageManager = findPackageManager(project)
  const config = findSeedbedConfig(from)
  const migrations = await findProjectMigrations(project, packageManager)
  const variables = findVariables(project)
  const urls = findUrls(project)
  const changes: Changes[] = runners.map(({ name }) =>
    name === 'vitest' ? planVitestConfig(project) : planJestConfig(project),
  )
  if (config === null) changes.push(planSeedbedConfig(project, { migrations, variables, urls }))
  const byHand = changes.flatMap(each => each.byHand)
  const files = changes.flatMap(each => each.files)
  const hasTables =
    migrations.what !== null || migrations.undecided !== null || /\bmigrations\b/.test(project.read(config ?? '') ?? '')
  const tests: InitTest[] = []
  for (const { name } of runners) {
    const { path, file } = firstTest(
      project,
      name,
      hasTables,
      tests.map(each => each.path),
    )
    if (file) files.push(file)
    tests.push(testOf(project, packageManager, name, path))
  }
  return {
    folder,
    found: {
      runners,
      packageManager,
      language: project.isTypeScript ? 'TypeScript' : 'JavaScript',
      modules: project.isModule ? 'ES modules' : 'CommonJS',
      drivers: drivers.filter(name => project.dependencies.has(name)),
      migrations: config === null ? migrations : { what: `as ${config} says`, from: 'it is there', undecided: null },
      variables,
      urls,
      config,
    },
    files: [...files, ...ignored(project)],
    byHand,
    install: installOf(project, packageManager, runners),
    tests,
  }
}

const drivers = [
  'pg',
  'postgres',
  '@prisma/client',
  'drizzle-orm',
  'knex',
  'typeorm',
  'sequelize',
  'kysely',
  '@mikro-orm/postgresql',
  'slonik',
  'pg-promise',
  'objection',
]

function findSeedbedConfig(from: string): string | null {
  const { folder, files } = findConfig(from)
  const names = files.map(path => basename(path))
  if (names.length > 1) throw configErrors.CONFIG_SEVERAL_FILES({ folder, files: names })
  return names[0] ?? null
}

function installOf(project: Project, manager: PackageManager, runners: FoundRunner[]): InitInstall | null {
  const missing = [...runners.map(({ name }) => `@seedbed/${name}`), '@seedbed/core'].filter(
    name => !project.dependencies.has(name),
  )
  if (missing.length === 0) return null
  // The packages are released together: what belongs to this one has its version.
  const version = ownVersion()
  const packages = missing.map(name => `${name}@${version}`)
  return {
    packages,
    command: installCommand(project, manager, packages),
    isThere: missing.every(name => installedVersion(project, name) !== null),
  }
}

function testOf(project: Project, manager: PackageManager, runner: RunnerName, path: string): InitTest {
  const args = runner === 'vitest' ? ['run', path] : ['--runTestsByPath', path]
  const needsFlag = runner === 'jest' && usesModuleFlag(project)
  return {
    runner,
    path,
    command: programCommand(manager, runner, args),
    env: needsFlag ? { NODE_OPTIONS: '--experimental-vm-modules' } : {},
  }
}

/** The folder in which Seedbed notes what was chosen and refused on this machine. */
function ignored({ root, read }: Project): FileChange[] {
  const before = read('.gitignore') ?? null
  const isIgnored = (text: string | null | undefined) => /^\/?(\*\*\/)?\.seedbed\/?\s*$/m.test(text ?? '')
  if (isIgnored(before) || isIgnored(textOf(`${root}/.gitignore`))) return []
  const eol = before?.includes('\r\n') ? '\r\n' : '\n'
  const start = before === null || before === '' || before.endsWith('\n') ? (before ?? '') : before + eol
  return [{ path: '.gitignore', before, after: `${start}.seedbed/${eol}` }]
}
