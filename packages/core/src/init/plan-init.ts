import { basename } from 'node:path'
import { findConfig } from '@seedbed/environments'
import { configErrors } from '../config/errors.js'
import { ownVersion } from '../server/own-package.js'
import type { ByHand, Changes, FileChange } from './file-change.js'
import { findProjectMigrations, type MigrationsFound } from './find-migrations.js'
import { findRunners, type FoundRunner, type RunnerName } from './find-runners.js'
import { findUrls, type FoundUrl } from './find-urls.js'
import { findVariables, type DatabaseVariable } from './find-variables.js'
import { firstTest, usesModuleFlag } from './first-test.js'
import { planJestConfig } from './jest-config.js'
import { findPackageManager, installCommand, programCommand, type PackageManager } from './package-manager.js'
import { installedVersion, readProject, textOf, type Project } from './read-project.js'
import { planSeedbedConfig } from './seedbed-config.js'
import { planVitestConfig } from './vitest-config.js'

export interface InitOptions {
  /** The package is looked for from here upwards. */
  folder: string
  /** Sets up this one only. @default each that the project uses */
  runner?: RunnerName | undefined
}

/** What was found in a project, and what `applyInit` would write. */
export interface InitPlan {
  /** The package's folder, absolute. */
  folder: string
  found: InitFindings
  /** Files to write; none where everything is in place. */
  files: FileChange[]
  /** What is left to whoever knows the project. Until it is done, the first test cannot pass. */
  byHand: ByHand[]
  /** Packages that package.json does not name yet; null where it names them all. */
  install: InitInstall | null
  /** How the first test of each runner is run, in the package's folder. */
  tests: InitTest[]
}

export interface InitFindings {
  runners: FoundRunner[]
  packageManager: PackageManager
  language: 'TypeScript' | 'JavaScript'
  modules: 'ES modules' | 'CommonJS'
  /** Packages through which the application speaks to PostgreSQL. */
  drivers: string[]
  migrations: Pick<MigrationsFound, 'what' | 'from' | 'undecided'>
  variables: DatabaseVariable[]
  urls: FoundUrl[]
  /** The Seedbed config that is there already, and stays as it is. */
  config: string | null
}

export interface InitInstall {
  packages: string[]
  command: [string, ...string[]]
  /** Whether they can be loaded even so, because they are linked or of a folder above. */
  isThere: boolean
}

export interface InitTest {
  runner: RunnerName
  path: string
  command: [string, ...string[]]
  /** Variables that the command needs. */
  env: Record<string, string>
}

/**
 * Looks at a project: its runner, driver, migrations, variables and URLs; and says what there is to write so that its tests start on a
 * database. Nothing is written, run or connected to, and nothing of the project is loaded. No password is in the findings; the
 * files' texts are as they are.
 *
 * @throws SeedbedError INIT_NO_PACKAGE, INIT_PACKAGE_BROKEN, INIT_NO_RUNNER, INIT_RUNNER_TOO_OLD, CONFIG_SEVERAL_FILES
 * @example
 * const plan = await planInit({ folder: process.cwd() })
 * await applyInit(plan)
 */
export async function planInit({ folder: from, runner }: InitOptions): Promise<InitPlan> {
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
