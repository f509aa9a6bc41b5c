import { initErrors } from './errors.js'
import { installedVersion, isWorkspaceRoot, type Project } from './read-project.js'

export type RunnerName = 'vitest' | 'jest'

export interface FoundRunner {
  name: RunnerName
  /** What is installed; null where nothing is yet. */
  version: string | null
  /** What says that the project uses it: `package.json`, `jest.config.js`, `the script test`. */
  from: string
}

/** The oldest that Seedbed works with. */
const needed: Record<RunnerName, [number, number]> = { vitest: [3, 2], jest: [29, 7] }

/**
 * Which runners the project uses: what it says itself goes before what a monorepo's root has for all of its packages.
 *
 * @param asked only this one
 * @throws SeedbedError INIT_NO_RUNNER, INIT_RUNNER_TOO_OLD
 */
export function findRunners(project: Project, asked?: RunnerName): FoundRunner[] {
  const evidence = (['vitest', 'jest'] as const).map(name => ({ name, from: ownEvidence(project, name) }))
  const own = evidence.filter(({ from }) => from !== undefined)
  const all =
    own.length > 0
      ? own
      : evidence
          .filter(({ name }) => project.dependencies.has(name))
          .map(({ name }) => ({ name, from: "package.json of the monorepo's root" }))
  const found = all.filter(({ name }) => asked === undefined || name === asked)
  if (found.length === 0) {
    const { folder } = project
    throw initErrors.INIT_NO_RUNNER({ folder, asked, workspaces: isWorkspaceRoot(folder) })
  }
  return found.map(({ name, from }) => ({ name, version: usableVersion(project, name), from: from! }))
}

function ownEvidence({ own, files, manifest }: Project, name: RunnerName): string | undefined {
  if (own.has(name)) return 'package.json'
  const config = files.find(file => new RegExp(`^${name}\\.(config|workspace)\\.`).test(file))
  if (config) return config
  if (name === 'jest' && manifest.jest !== undefined) return 'package.json'
  const runs = new RegExp(`(^|[\\s/;&|"'])${name}(\\.m?js)?($|[\\s;&|"'])`)
  const script = Object.entries(manifest.scripts ?? {}).find(([, command]) => runs.test(command))
  return script && `the script ${script[0]}`
}

function usableVersion(project: Project, name: RunnerName): string | null {
  const version = installedVersion(project, name)
  if (version === null) return null
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor, leastMinor] = needed[name]
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return version
  throw initErrors.INIT_RUNNER_TOO_OLD({ runner: name, version, needed: needed[name].join('.') })
}
