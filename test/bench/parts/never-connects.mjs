import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { inTurns, median, summary } from '../measuring.mjs'
import { startProgram } from '../start-program.mjs'
import { suiteEnvironment, writeSuite } from '../suites.mjs'

const testsPerFile = 4

export const title = 'A file that never connects'
export const how = `Two suites, one without a database and one with the plugin, of whose tests none asks for it. Both are open at the same time, each in a Vitest of its own, and run their files one by one and in turns: a file of the one and the same file of the other are a fifth of a second apart. In Vitest's default pool each file is a process. Its clock runs from the message that hands it the file to the one that says it is done: loading Seedbed, opening the worker, entering and leaving a file and ${testsPerFile} tests, and what it has to wait for from the main process. The figure is the median of the pairs' differences, its spread their quartiles. The second figure is the same by the main process's clock, from before the file's process is started until after its end.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, place, quick }) {
  const files = quick ? 20 : 300
  const without = await openSuite(project, place, 'none', files)
  const idle = await openSuite(project, place, 'idle', files)
  // No file twice: Vitest would have it transformed already.
  const warmUps = 5
  const times = await inTurns(
    { none: round => without.run(round + warmUps + 1), idle: round => idle.run(round + warmUps + 1) },
    { rounds: files - warmUps, warmUps },
  )
  await Promise.all([without.close(), idle.close()])
  return [
    figure('a file that never connects', times, 'inWorker', { promise: { below: 3 } }),
    figure('a file that never connects, from before its process to after it', times, 'inMain'),
  ]
}

async function openSuite(project, place, variant, files) {
  const notes = join(place, `files-${variant}`)
  await rm(notes, { force: true })
  const { ask, close } = await startProgram(`Vitest in the suite "${variant}"`, project.program('one-by-one.mjs'), {
    cwd: await writeSuite(project.folder, variant, { files, testsPerFile }),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...suiteEnvironment(), BENCH_FILES: notes, NODE_OPTIONS: `--require ${project.program('log-file.cjs')}` },
  })
  let read = 0
  return {
    async run(file) {
      const inMain = await ask({ file: `file-${file}.test.ts`, tests: testsPerFile })
      const lines = (await readFile(notes, 'utf8')).trim().split('\n').slice(read)
      read += lines.length
      if (lines.length !== 1) throw new Error(`${lines.length} workers for one file`)
      return { inWorker: Number(lines[0]), inMain }
    },
    close,
  }
}

function figure(name, { idle, none }, measured, more = {}) {
  const of = rounds => rounds.map(round => round[measured])
  const { median: value, spread, rounds } = summary(of(idle).map((time, round) => time - of(none)[round]))
  const compared = `${median(of(idle)).toFixed(1)} ms a file, ${median(of(none)).toFixed(1)} ms without Seedbed`
  return { name, value, unit: 'ms', spread, rounds, compared, ...more }
}
