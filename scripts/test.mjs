/**
 * `npm test`: builds, runs the tests of every workspace, and says in the last line how many there were. A run that
 * broke before it could report is a failure too.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { countTests, totalLine } from './count-tests.mjs'
import { root, workspaces } from './workspaces.mjs'

const needed = [20, 19]
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  console.error(`Seedbed needs Node ${needed.join('.')} or newer; this is ${process.version} (${process.execPath}).`)
  process.exit(1)
}

const turbo = join(root, 'node_modules', 'turbo', 'bin', 'turbo')
if (!existsSync(turbo)) {
  console.error('The dependencies are not installed: npm ci')
  process.exit(1)
}

const tested = workspaces().filter(({ manifest }) => manifest.scripts?.test)
for (const { folder } of tested) rmSync(reportOf(folder), { force: true })

// initdb runs here once a version, and not for each of a hundred servers: see test/postgres-for-tests.
const clusters = mkdtempSync(join(tmpdir(), 'seedbed-clusters-'))
// Root's servers run as another user.
chmodSync(clusters, 0o755)

// As many packages at a time as there are cores, though each runs its own files in parallel: some have one long file,
// and much of a test is waiting for a server. One package at a time left a third of two cores idle.
const concurrency = cpus().length
const { status } = spawnSync(
  process.execPath,
  [turbo, 'run', 'test', '--continue=dependencies-successful', '--log-order=stream', `--concurrency=${concurrency}`],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      SEEDBED_TEST_CLUSTERS: clusters,
      TURBO_TELEMETRY_DISABLED: '1',
      TURBO_NO_UPDATE_NOTIFIER: '1',
      DO_NOT_TRACK: '1',
    },
  },
)

rmSync(clusters, { recursive: true, force: true })

const { passed, failed, skipped, problems } = countTests(
  tested.map(({ folder, manifest }) => ({ name: manifest.name, report: readReport(folder) })),
  status === 0,
)
for (const problem of problems) console.log(problem)
console.log(totalLine({ passed, failed, skipped }))
process.exitCode = failed > 0 ? 1 : 0

function reportOf(folder) {
  return join(root, folder, 'test-report.json')
}

/** What the package's runner wrote; undefined if it did not get that far. */
function readReport(folder) {
  try {
    return JSON.parse(readFileSync(reportOf(folder), 'utf8'))
  } catch {
    return undefined
  }
}
