import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { kill, processesOf } from './processes.js'
import type { Site } from './site.js'

/** `vitest`: the Vitest CLI, as somebody calls it. `direct`: startRun and openWorker in one process. */
export type Driver = 'vitest' | 'direct'

export interface Outcome {
  /** Null for one that was killed. */
  exitCode: number | null
  output: string
  milliseconds: number
}

export interface Run {
  /** Also of its process group. */
  pid: number
  ended: Promise<Outcome>
}

/** No run may take longer, whatever was killed before: then it hangs. */
export const longestRun = 60_000

const require = createRequire(import.meta.url)
const commands: Record<Driver, string[]> = {
  vitest: [join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs'), 'run'],
  direct: [fileURLToPath(new URL('./one-run.mjs', import.meta.url))],
}

/**
 * Starts a run in a process group of its own.
 *
 * @param options.commits whether a test shall commit something behind Seedbed's back
 * @param options.server the URL of a server of ours, instead of the embedded one
 */
export function startRun(site: Site, driver: Driver, options: { commits?: boolean; server?: string } = {}): Run {
  const { commits = false, server } = options
  const start = performance.now()
  const child = spawn(process.execPath, commands[driver], {
    cwd: site.project,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: site.root,
      TMPDIR: site.temporary,
      SEEDBED_HOME: site.home,
      SOAK_COMMITS: commits ? '1' : '0',
      ...(server !== undefined && { TEST_DATABASE_URL: server }),
      NO_COLOR: '1',
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
  const hanging = setTimeout(() => {
    const names = processesOf(site).map(({ pid, parent, command }) => `${pid} (of ${parent}) ${command}`)
    output += `\nstill running after ${longestRun / 1000} s:\n${names.join('\n')}`
    kill(-child.pid!)
  }, longestRun)
  // Not `close`, which waits for whatever has inherited the pipes.
  const ended = once(child, 'exit').then(([exitCode]) => {
    clearTimeout(hanging)
    return { exitCode: exitCode as number | null, output, milliseconds: performance.now() - start }
  })
  return { pid: child.pid!, ended }
}

/**
 * Vitest 4.1 waits a minute for a fork that was killed, without Seedbed too, after all is done and said; nobody at a
 * keyboard does.
 */
export async function endedInPatience(run: Run): Promise<Outcome> {
  const ended = await Promise.race([run.ended, pause(10_000)])
  if (!ended) kill(-run.pid)
  return run.ended
}

/** A run that has to pass. Throws with its output if it does not. */
export async function passingRun(site: Site, driver: Driver): Promise<Outcome> {
  return mustPass(await startRun(site, driver).ended)
}

export function mustPass(outcome: Outcome): Outcome {
  if (outcome.exitCode === 0) return outcome
  throw new Error(`a run that had to pass ended with exit code ${outcome.exitCode}:\n${outcome.output}`)
}
