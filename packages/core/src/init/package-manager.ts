import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isWorkspaceRoot, readManifest, type Project } from './read-project.js'
import { textOf } from './text-of.js'

export interface PackageManager {
  name: 'npm' | 'pnpm' | 'yarn' | 'bun'
  /** What says so: `pnpm-lock.yaml`. */
  from: string
}

const lockFiles: Record<string, PackageManager['name']> = {
  'package-lock.json': 'npm',
  'npm-shrinkwrap.json': 'npm',
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
}

/** By `packageManager` of a package.json, or by the lock file: the nearest, from the project up to its repository's root. */
export function findPackageManager({ folder }: Pick<Project, 'folder'>): PackageManager {
  for (let each = folder; ; each = dirname(each)) {
    const said = /^(npm|pnpm|yarn|bun)@/.exec(readManifest(each)?.packageManager ?? '')?.[1]
    if (said) return { name: said as PackageManager['name'], from: 'packageManager of package.json' }
    const file = Object.keys(lockFiles).find(name => existsSync(join(each, name)))
    if (file) return { name: lockFiles[file]!, from: file }
    if (existsSync(join(each, '.git')) || each === dirname(each)) return { name: 'npm', from: 'no lock file' }
  }
}

/** The command that installs packages for development, to be run in the project's folder. */
export function installCommand(
  { folder }: Pick<Project, 'folder'>,
  { name }: PackageManager,
  packages: string[],
): [string, ...string[]] {
  // To add something to the root itself, some ask to be told that it is meant.
  const isRoot = isWorkspaceRoot(folder)
  if (name === 'npm') return ['npm', 'install', '--save-dev', ...packages]
  if (name === 'pnpm') return ['pnpm', 'add', '--save-dev', ...(isRoot ? ['--workspace-root'] : []), ...packages]
  if (name === 'bun') return ['bun', 'add', '--dev', ...packages]
  const isClassic = /^# yarn lockfile v1$/m.test(textOf(join(folder, 'yarn.lock')) ?? '')
  return ['yarn', 'add', '--dev', ...(isRoot && isClassic ? ['--ignore-workspace-root-check'] : []), ...packages]
}

/** The command that runs a program of an installed package, and downloads none. */
export function programCommand({ name }: PackageManager, program: string, args: string[]): [string, ...string[]] {
  if (name === 'npm') return ['npx', '--no-install', program, ...args]
  if (name === 'pnpm') return ['pnpm', 'exec', program, ...args]
  if (name === 'bun') return ['bunx', '--no-install', program, ...args]
  return ['yarn', 'run', program, ...args]
}

/** The command of a script of package.json. */
export function scriptCommand({ name }: PackageManager, script: string): string {
  return `${name} run ${script}`
}
