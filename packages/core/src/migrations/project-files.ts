import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'

/** A file that a plan is made of, as it was when the plan was made. */
export interface ProjectFile {
  /** Its path from the project's folder, with slashes: how it is called in errors and in the fingerprint. */
  name: string
  path: string
  bytes: Buffer
}

/** A path as people know it: from the project's folder, with slashes on every system. */
export function nameIn(folder: string, path: string): string {
  return (relative(folder, path) || '.').split(sep).join('/')
}

export async function readProjectFile(folder: string, path: string): Promise<ProjectFile> {
  return { name: nameIn(folder, path), path, bytes: await readFile(path) }
}

/** A file, or all files below a folder in the order of their names, without node_modules and what begins with a dot. */
export async function readProjectFiles(folder: string, path: string): Promise<ProjectFile[]> {
  if (!(await stat(path)).isDirectory()) return [await readProjectFile(folder, path)]
  const entries = await readdir(path, { withFileTypes: true })
  const inner = entries
    .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name }) => readProjectFiles(folder, join(path, name)))
  return (await Promise.all(inner)).flat()
}

/** The fingerprint's parts: a file's name → the hash of its content. */
export function fileHashes(files: ProjectFile[]): Record<string, string> {
  return Object.fromEntries(files.map(({ name, bytes }) => [name, sha256(bytes)]))
}

/** @example sha256('') // 'e3b0c44298fc1c14…' */
export function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex')
}
