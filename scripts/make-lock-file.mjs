/**
 * `npm run lock`: completes package-lock.json where no node_modules is near, which npm would otherwise take for the
 * whole truth and leave out the binaries of every platform but this one. What is complete keeps its version.
 */
import { execSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { incompletePackages, lockFileProblems } from './check-lock-file.mjs'
import { root, workspaces } from './workspaces.mjs'

const folder = mkdtempSync(join(tmpdir(), 'seedbed-lock-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

for (const file of ['.npmrc', 'package.json', ...workspaces().map(workspace => `${workspace.folder}/package.json`)]) {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  copyFileSync(join(root, file), join(folder, file))
}

// npm resolves again what the lock file does not hold, and a workspace whose entry differs from its package.json.
const lock = readLock(root)
for (const path of incompletePackages(lock)) {
  if (path.includes('node_modules/')) delete lock.packages[path]
  else delete lock.packages[path].optionalDependencies
}
writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock, null, 2))
execSync('npm install --package-lock-only --ignore-scripts', { cwd: folder, stdio: 'inherit' })

const problems = lockFileProblems(readLock(folder))
if (problems.length > 0) {
  console.error(problems.join('\n'))
  console.error('\nThe registry lacks these. Pin an older release of the package whose platforms are all published.')
  process.exitCode = 1
} else {
  cpSync(join(folder, 'package-lock.json'), join(root, 'package-lock.json'))
  console.log('package-lock.json is complete. Now: npm ci')
}

function readLock(at) {
  return JSON.parse(readFileSync(join(at, 'package-lock.json'), 'utf8'))
}
