import type { ByHand, FileChange } from './file-change.js'
import type { MigrationsFound } from './find-migrations.js'
import type { FoundRunner, RunnerName } from './find-runners.js'
import type { FoundUrl } from './find-urls.js'
import type { DatabaseVariable } from './find-variables.js'
import type { PackageManager } from './package-manager.js'

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
export async function planInit(options: InitOptions): Promise<InitPlan> {
  const { planProject } = await import('./plan-project.js')
  return planProject(options)
}
