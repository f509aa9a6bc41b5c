import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { findConfig } from '@seedbed/environments'
import { parse } from 'jsonc-parser'
import { initErrors } from './errors.js'
import { textOf } from './text-of.js'

/** What a package says of itself, and where its files are. */
export interface Project {
  /** Absolute. */
  folder: string
  manifest: Manifest
  /** The monorepo's root, where this is a package of one; else the project's folder. */
  root: string
  /** Packages that its own package.json names. */
  own: ReadonlySet<string>
  /** Those of the monorepo's root, too, from which they can be loaded just as well. */
  dependencies: ReadonlySet<string>
  /** Whether `.js` is an ES module. */
  isModule: boolean
  isTypeScript: boolean
  /** Whether a `.ts` beside package.json would be compiled with the sources, and change where all of them come to lie. */
  compilesAll: boolean
  /** Paths from the folder, with slashes and in their order; without packages inside, what was installed and what was built. */
  files: readonly string[]
  /** The content of one of them, or of any file of the folder; undefined where there is none. */
  read(path: string): string | undefined
}

export interface Manifest {
  name?: string
  type?: string
  packageManager?: string
  workspaces?: unknown
  scripts?: Record<string, string>
  jest?: unknown
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/**
 * Reads the package that a folder belongs to. Nothing of it is run.
 *
 * @throws SeedbedError INIT_NO_PACKAGE, INIT_PACKAGE_BROKEN
 */
export function readProject(from: string): Project {
  const { folder } = findConfig(from)
  const manifest = readManifest(folder)
  if (!manifest) throw initErrors.INIT_NO_PACKAGE({ folder })
  const root = workspaceRoot(folder) ?? folder
  const own = packagesOf(manifest)
  const dependencies = new Set([...own, ...packagesOf(readManifest(root) ?? {})])
  const files = filesIn(folder)
  const read = (path: string) => textOf(join(folder, path))
  return {
    folder,
    manifest,
    root,
    own,
    dependencies,
    isModule: manifest.type === 'module',
    isTypeScript: dependencies.has('typescript') || existsSync(join(folder, 'tsconfig.json')),
    compilesAll: compilesAll(files, read('tsconfig.json')),
    files,
    read,
  }
}

/** The version of a package that is installed for the project, or null. */
export function installedVersion({ folder }: Pick<Project, 'folder'>, name: string): string | null {
  try {
    const manifest = createRequire(join(folder, 'package.json')).resolve(`${name}/package.json`)
    return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
  } catch {
    return null
  }
}

export function readManifest(folder: string): Manifest | undefined {
  const path = join(folder, 'package.json')
  const text = textOf(path)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text.replace(/^\ufeff/, '')) as Manifest
  } catch (error) {
    throw initErrors.INIT_PACKAGE_BROKEN({ path, reason: (error as Error).message })
  }
}

/** Whether packages of a monorepo hang on this folder. */
export function isWorkspaceRoot(folder: string): boolean {
  return existsSync(join(folder, 'pnpm-workspace.yaml')) || readManifest(folder)?.workspaces !== undefined
}

function compilesAll(files: string[], tsconfig: string | undefined): boolean {
  if (tsconfig === undefined || files.some(file => /^[^/]+(?<!\.d)\.[mc]?ts$/.test(file))) return false
  const {
    include,
    files: named,
    compilerOptions = {},
  } = (parse(tsconfig) ?? {}) as {
    include?: unknown
    files?: unknown
    compilerOptions?: { outDir?: string; rootDir?: string; noEmit?: boolean }
  }
  const { outDir, rootDir, noEmit = false } = compilerOptions
  return !include && !named && !noEmit && (outDir ?? rootDir) !== undefined
}

function packagesOf(manifest: Manifest): Set<string> {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest
  return new Set(
    [dependencies, devDependencies, optionalDependencies, peerDependencies].flatMap(each => Object.keys(each ?? {})),
  )
}

function workspaceRoot(folder: string): string | undefined {
  for (let each = folder; ; each = dirname(each)) {
    if (each !== folder && isWorkspaceRoot(each)) return each
    if (existsSync(join(each, '.git')) || each === dirname(each)) return undefined
  }
}

const notSource = new Set(['node_modules', 'dist', 'build', 'out', 'coverage', 'vendor', 'tmp'])

/** A project with more files than this is one that holds data, and what matters here is found before. */
const mostFiles = 20_000

function filesIn(folder: string): string[] {
  const files: string[] = []
  const walk = (below: string) => {
    const entries = readdirSync(join(folder, below), { withFileTypes: true }).toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    )
    if (below !== '' && entries.some(({ name }) => name === 'package.json')) return
    for (const entry of entries) {
      if (files.length >= mostFiles) return
      const path = below + entry.name
      if (entry.isFile() || (entry.isSymbolicLink() && isFile(join(folder, path)))) files.push(path)
      else if (entry.isDirectory() && !notSource.has(entry.name) && !entry.name.startsWith('.')) walk(`${path}/`)
    }
  }
  walk('')
  return files
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
