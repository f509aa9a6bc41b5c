import { readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/**
 * Finds a project: from a folder upwards the first that holds a `seedbed.config.{ts,mts,js,mjs,cjs,json}`, and no further than the nearest
 * package.json or the repository's root.
 *
 * @returns the project's folder, absolute, and the paths of its configs: one, none, or several, of which it is not clear which to read
 * @example findConfig('/app/src') // { folder: '/app', files: ['/app/seedbed.config.ts'] }
 */
export function findConfig(from: string): { folder: string; files: string[] } {
  const start = resolve(from)
  for (let folder = start; ; folder = dirname(folder)) {
    const names = namesIn(folder)
    const files = names.filter(name => configName.test(name)).toSorted()
    if (files.length > 0) return { folder, files: files.map(name => join(folder, name)) }
    if (names.includes('package.json')) return { folder, files: [] }
    if (names.includes('.git') || folder === dirname(folder)) return { folder: start, files: [] }
  }
}

const configName = /^seedbed\.config\.(ts|mts|js|mjs|cjs|json)$/

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
