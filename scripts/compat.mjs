/**
 * `npm run compat [job…]`: what needs more than Node 20 and npm: another runner, another Node, a Docker engine, another
 * user. One line a job at the end, then `N passed, N failed, N skipped`. A job that finds what it needs missing is
 * skipped, with the reason. See docs/guide/compat.md.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './workspaces.mjs'

/** Each is test/compat/<name>/job.mjs; the minutes are its limit. */
const jobs = [
  { name: 'docker', minutes: 10 },
  { name: 'vitest-3', minutes: 8 },
  { name: 'vitest-4', minutes: 8 },
  { name: 'vitest-5', minutes: 8 },
  { name: 'jest-29', minutes: 8 },
  { name: 'isolations', minutes: 10 },
  { name: 'node-24', minutes: 8 },
  { name: 'drivers', minutes: 10 },
  { name: 'managed', minutes: 8 },
  { name: 'ordinary-user', minutes: 15 },
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter(name => !jobs.some(job => job.name === name))
if (unknown.length > 0) {
  console.error(`no such job: ${unknown.join(', ')}; there are ${jobs.map(({ name }) => name).join(', ')}`)
  process.exit(1)
}

let running
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    end(running, 'SIGTERM')
    process.exit(1)
  })
}

const counts = { passed: 0, failed: 0, skipped: 0 }
const lines = []
for (const { name, minutes } of jobs) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`\n──── ${name}`)
  const start = performance.now()
  const { result, reason } = await run(name, minutes)
  const seconds = ((performance.now() - start) / 1_000).toFixed(1)
  counts[result] += 1
  lines.push(`${result.padEnd(7)} ${name.padEnd(14)} ${seconds.padStart(6)} s${reason ? `   ${reason}` : ''}`)
}
console.log(`\n${lines.join('\n')}\n`)
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed > 0 ? 1 : 0

/** Runs a job to its end or its limit; with all that it has started, it is a process group of its own. */
async function run(name, minutes) {
  running = spawn(process.execPath, [join(root, 'test/compat/support/run-job.mjs'), name], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  let skipped
  let rest = ''
  running.stdout.setEncoding('utf8').on('data', text => {
    process.stdout.write(text)
    rest = (rest + text).slice(-10_000)
    skipped = /^skipped: (.*)$/m.exec(rest)?.[1]
  })
  let isOver = false
  const limit = setTimeout(() => {
    isOver = true
    end(running, 'SIGTERM')
    setTimeout(() => end(running, 'SIGKILL'), 20_000).unref()
  }, minutes * 60_000)
  const code = await new Promise(resolve => running.once('close', resolve))
  clearTimeout(limit)
  end(running, 'SIGKILL') // what it may have left behind
  running = undefined
  if (isOver) return { result: 'failed', reason: `not done after ${minutes} minutes` }
  if (code === 77) return { result: 'skipped', reason: skipped ?? 'no reason was given' }
  return { result: code === 0 ? 'passed' : 'failed' }
}

function end(child, signal) {
  try {
    if (child) process.kill(-child.pid, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}
