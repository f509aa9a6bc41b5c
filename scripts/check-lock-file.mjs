/** Says what is wrong with package-lock.json; CONTRIBUTING.md says how it is made again. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './workspaces.mjs'

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problems = lockFileProblems(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')))
  for (const problem of problems) console.log(problem)
  if (problems.length > 0) console.log('\nThe way out: npm run lock (see CONTRIBUTING.md, The lock file)')
  process.exitCode = problems.length > 0 ? 1 : 0
}

/**
 * - Every optional dependency is there, whatever platform it is for: npm leaves out other platforms' binaries when it
 *   makes a lock file from an existing node_modules, or from a registry that lacks them; then `npm ci` works on the
 *   platform of whoever made it, and breaks elsewhere (https://github.com/npm/cli/issues/4828).
 * - No address of a registry: everyone installs from the one they have configured.
 * - Everything has a checksum.
 *
 * @param {{ packages: Record<string, any> }} lock
 * @returns {string[]} one sentence a problem
 */
export function lockFileProblems({ packages }) {
  return Object.entries(packages).flatMap(([path, entry]) => {
    const missing = missingOptionalPackages(path, packages)
    const problems = missing.map(name => `${path}: its optional dependency ${name} is not in the lock file`)
    if (/^https?:/.test(entry.resolved ?? ''))
      problems.push(`${path}: names a registry: ${new URL(entry.resolved).host}`)
    const isFromRegistry = path.includes('node_modules/') && !entry.link && !entry.inBundle
    if (isFromRegistry && !entry.integrity) problems.push(`${path}: has no checksum`)
    return problems
  })
}

/** The packages in the lock file, by path, that lack one of their optional dependencies. */
export function incompletePackages({ packages }) {
  return Object.keys(packages).filter(path => missingOptionalPackages(path, packages).length > 0)
}

function missingOptionalPackages(path, packages) {
  const optional = Object.keys(packages[path].optionalDependencies ?? {})
  return optional.filter(name => !isInstalledFor(path, name, packages))
}

/** Node's way to find a package: in `node_modules` beside whoever asks, then in that of each folder above. */
function isInstalledFor(path, name, packages) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    if (packages[`${folder && `${folder}/`}node_modules/${name}`]) return true
    if (folder === '') return false
  }
}
