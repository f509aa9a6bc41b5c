import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inTurns, median, ratios } from '../measuring.mjs'
import { writeSmallProject } from '../small/small-project.mjs'
import { startWay } from '../way-process.mjs'

const peers = { pg: '8.23.1', 'pg-transactional-tests': '1.2.2', 'pgsql-test': '4.16.2' }

export const title = 'Other ways to isolate a test'
export const how = `The body of 3 inserts and 2 selects in a test of each way, entering and leaving included: hand-written BEGIN and ROLLBACK, Seedbed, pg-sandbox (a pool on its URL, in the same process), pg-transactional-tests ${peers['pg-transactional-tests']}, pgsql-test ${peers['pgsql-test']} (its client that does not set a role before each query; measured where PostgreSQL's programs psql and createdb are installed), and a database for each test made by CREATE DATABASE … TEMPLATE (file copy) and dropped after it. Each way is a process of its own on the same server and the same template, in turns. The figures are the time of a test as a ratio to hand-written, but for the last.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, place, quick }) {
  const folder = join(place, 'peers')
  await writeSmallProject(folder)
  const installed = install(join(place, 'peers-installed'))
  if (!installed) return []
  cpSync(join(project.folder, 'programs'), join(installed, 'programs'), { recursive: true })
  const [{ startRun }, { openServer }] = await Promise.all([
    project.module('@seedbed/core'),
    project.module('@seedbed/core', 'built/server/open-server.js'),
  ])
  const run = await startRun({ folder, slots: 5 })
  const server = await openServer({ projectFolder: folder, config: {} })
  const started = []
  const start = async (where, way, setup) => {
    const isolated = await startWay(where, way, setup)
    started.push(isolated)
    return isolated
  }
  try {
    const urls = run.handle.workers.map(({ url }) => url)
    // A clone that nobody uses is as good as its template.
    const copied = { adminUrl: server.adminUrl, url: urls[3], template: new URL(urls[3]).pathname.slice(1) }
    const ways = {
      'by hand': [await start(project.folder, 'by-hand', { url: urls[0] }), 300],
      Seedbed: [await start(project.folder, 'seedbed', { handle: run.handle, slot: 2 }), 300],
      'pg-sandbox': [await start(project.folder, 'sandbox', { url: urls[4], pooled: true }), 300],
      'pg-transactional-tests': [await start(installed, 'pg-transactional-tests', { url: urls[2] }), 300],
      ...(hasClientPrograms() ? { 'pgsql-test': [await start(installed, 'pgsql-test', copied), 300] } : {}),
      'a database per test': [await start(project.folder, 'database-per-test', copied), 10],
    }
    const body = '3 inserts, 2 selects'
    const measured = await inTurns(
      Object.fromEntries(Object.entries(ways).map(([name, [way, tests]]) => [name, () => way.run(body, tests)])),
      { rounds: quick ? 3 : 15, warmUps: 2 },
    )
    const times = Object.fromEntries(Object.entries(measured).map(([name, parts]) => [name, parts.map(whole)]))
    const shown = name => `${median(times[name]).toFixed(0)} µs`
    const figure = (name, other, more) => {
      const { median: value, ...rest } = ratios(times[name], times[other])
      return { name, value, unit: 'times', ...rest, compared: `${shown(name)} a test`, ...more }
    }
    return [
      ...Object.keys(ways).map(name =>
        figure(name, 'by hand', name === 'pg-sandbox' ? { promise: { below: 1.3 } } : {}),
      ),
      figure('pg-sandbox', 'pg-transactional-tests', {
        name: 'pg-sandbox, to pg-transactional-tests',
        promise: { below: 1 },
        compared: `${shown('pg-sandbox')} to ${shown('pg-transactional-tests')}`,
      }),
    ]
  } finally {
    await Promise.all(started.map(way => way.close()))
    await run.close()
    await server[Symbol.asyncDispose]()
  }
}

const whole = ({ enter, body, leave }) => enter + body + leave

/** pgsql-test runs them. The server from npm does not bring them along. */
function hasClientPrograms() {
  try {
    for (const program of ['psql', 'createdb']) execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    console.log('  pgsql-test is not measured: psql and createdb are not installed')
    return false
  }
}

/** Into a folder of their own, so that the workspace's lock file stays as it is; undefined without a registry. */
function install(folder) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies: peers }))
  try {
    execFileSync('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdio: 'pipe',
    })
    return folder
  } catch (error) {
    console.log(`  not measured: the peers cannot be installed (${String(error.stderr).trim().split('\n').at(-1)})`)
    return undefined
  }
}
