import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Every workspace that the root package.json names.
 *
 * @returns {{ folder: string, manifest: any }[]} `folder` relative to the root, with forward slashes
 */
export function workspaces() {
  return readManifest('').workspaces.flatMap(pattern => {
    const parent = pattern.replace(/\/\*$/, '')
    if (!existsSync(join(root, parent))) return []
    return readdirSync(join(root, parent))
      .map(name => `${parent}/${name}`)
      .filter(folder => existsSync(join(root, folder, 'package.json')))
      .map(folder => ({ folder, manifest: readManifest(folder) }))
  })
}

/** The workspaces that are published on npm. */
export function publishedPackages() {
  return workspaces().filter(({ manifest }) => !manifest.private)
}

/** The example applications. */
export function examples() {
  return workspaces().filter(({ folder }) => folder.startsWith('examples/'))
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
}
