import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { inTurns, median, ratios } from '../measuring.mjs'
import { small, writeSmallProject } from '../small/small-project.mjs'

export const title = 'A first run, from an empty SEEDBED_HOME'
export const how = `SMALL (${small.tables} tables, ${small.rows} rows) in two programs of Node, each timed from its first line, its imports included, to the answer to its first query. Seedbed: startRun with an empty SEEDBED_HOME and as many workers as Vitest would have here, openWorker, one query in a test; on linux-x64 it unpacks the finished data folder that the package brings along, elsewhere it runs initdb too, and takes longer. Bare: initdb with the same flags and no password, postgres with the same settings, CREATE DATABASE, the same migrations; no seed, no template, no clone. The same binaries, on the same file system.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, place, quick }) {
  const folder = join(place, 'first-run')
  await writeSmallProject(folder)
  const seeded = small.rows / small.tables
  const bare = await bareSetup(project, join(place, 'first-bare'))
  const slots = Math.max(1, availableParallelism() - 1)
  const measured = await inTurns(
    {
      async seedbed() {
        const home = join(place, 'first-home')
        const answer = await timesOf(project.program('first-seedbed.mjs'), [folder, slots], {
          SEEDBED_HOME: home,
          EXPECTED_CUSTOMERS: String(seeded),
        })
        rmSync(home, { recursive: true })
        return answer
      },
      async bare() {
        mkdirSync(bare.folder)
        if (bare.runAs.uid !== undefined) chownSync(bare.folder, bare.runAs.uid, bare.runAs.gid)
        const answer = await timesOf(project.program('first-bare.mjs'), [JSON.stringify(bare)])
        rmSync(bare.folder, { recursive: true })
        return answer
      },
    },
    { rounds: quick ? 3 : 15 },
  )
  const of = (way, part) => measured[way].map(times => times[part])
  const ms = (way, part) => `${median(of(way, part)).toFixed(0)} ms`
  const { median: value, ...rest } = ratios(of('seedbed', 'milliseconds'), of('bare', 'milliseconds'))
  return [
    {
      name: 'from an empty home to the first test, to bare initdb, start and migrations',
      value,
      unit: 'times',
      ...rest,
      promise: { below: 1.5 },
      compared: `${ms('seedbed', 'milliseconds')} to ${ms('bare', 'milliseconds')} (importing pg and initdb ${ms('bare', 'initdb')}, start ${ms('bare', 'start')}, migrations ${ms('bare', 'migrations')})`,
    },
  ]
}

/** What the bare program starts: core knows where the binaries are, and who may run them. */
async function bareSetup(project, folder) {
  const [{ installedBinaries, runnableBinaries }, { serverUser }, { initdbFlags, settings }] = await Promise.all(
    ['binaries', 'server-user', 'settings'].map(name => project.module('@seedbed/core', `built/server/${name}.js`)),
  )
  const [installed, user] = await Promise.all([installedBinaries(), serverUser()])
  mkdirSync(process.env.SEEDBED_HOME, { recursive: true })
  const { initdb, postgres, env } = await runnableBinaries(installed, process.env.SEEDBED_HOME, user)
  const flags = initdbFlags(installed.platform).filter(flag => !/^--(username|auth)=/.test(flag))
  return {
    initdb,
    postgres,
    env,
    runAs: user.runAs,
    flags: [...flags, '--username=bare'],
    settings,
    folder,
    migrations: small.migrations,
  }
}

async function timesOf(program, args, env = {}) {
  const child = fork(program, args.map(String), {
    execArgv: [],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...env },
  })
  let answer
  child.on('message', message => (answer = message))
  const [code] = await once(child, 'exit')
  if (code !== 0 || !answer) throw new Error(`${program} ended with ${code}`)
  return answer
}
