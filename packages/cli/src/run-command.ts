import {
  askedIn,
  publishReport,
  refuseConnections,
  startRun,
  type Footprint,
  type Run,
  type RunReport,
} from '@seedbed/core'
import { knownEnvironments, resolveEnvironment, runnerOf } from '@seedbed/environments'
import { openScopes, type Scope } from '@seedbed/core/scopes'
import { footprintLines } from './footprint-lines.js'
import { colour, say, sayPlace } from './print.js'
import { runChild } from './run-child.js'
import { runInEnvironment } from './run-in-environment.js'

/**
 * Runs a command in a sandbox on a worker database of the project, and answers with its exit code. Nothing stays of what
 * it has committed.
 *
 * @param options.env an environment that the command is to run in, as it is and without a sandbox; under a test runner it is not followed
 * @param folder the project's config is looked for from here upwards
 * @param options.json says what was done as the last line of standard error
 * @throws SeedbedError where the database cannot be made ready: the command has not run then
 * @example process.exitCode = await runCommand(['psql', '-c', 'select 1'], process.cwd())
 */
export async function runCommand(
  command: readonly [string, ...string[]],
  folder: string,
  { env, json }: { env?: string | undefined; json?: boolean } = {},
): Promise<number> {
  if (env !== undefined) {
    const asked = await askedIn({ folder }, env)
    const isTest = knownEnvironments(asked.config).find(env)?.name === 'test'
    if (!isTest && !runnerOf(process.env)) {
      const environment = resolveEnvironment(asked)
      const exitCode = await runInEnvironment(command, environment, asked)
      if (json) sayJson({ environment: environment.name, database: null, exitCode, footprint: null, report: null })
      return exitCode
    }
  }
  // Seeds in TypeScript are run in this process.
  refuseConnections()
  const run = await startRun({ folder, slots: 1, progress: say })
  let ended: Awaited<ReturnType<typeof inSandbox>> | undefined
  try {
    ended = await inSandbox(run, command)
    return ended.exitCode
  } finally {
    const report = await run.close()
    if (process.env.SEEDBED_REPORT) await publishReport(report)
    else for (const { database, reason } of report.dropped) say(colour('yellow', `${database} was dropped: ${reason}`))
    if (json && ended) sayJson({ environment: run.environment.name, ...ended, report })
  }
}

/** Standard output is the command's: what was done is the last line of standard error. */
function sayJson(done: {
  environment: string
  /** Whose sandbox it was; null of an environment's own database. */
  database: string | null
  exitCode: number
  /** What it has left open or committed in the sandbox. */
  footprint: Footprint | null
  report: RunReport | null
}): void {
  process.stderr.write(`${JSON.stringify(done)}\n`)
}

/** As a runner's worker does it that runs one file; the command inherits the worker's variables. */
async function inSandbox({ handle, environment }: Run, command: readonly [string, ...string[]]) {
  const scopes = await openScopes(handle, 1)
  const { assigned } = scopes
  const { sandbox } = await scopes.inSandbox()
  const file: Scope = { id: 'command', kind: 'file', name: command[0] }
  try {
    sayPlace({ environment, server: `a sandbox of ${assigned.database}` })
    await scopes.enter(file)
    await sandbox.enter(command[0])
    const exitCode = await runChild(command)
    const footprint = await sandbox.leave()
    for (const line of footprintLines(footprint, handle.isolation)) say(line)
    await scopes.leave(file)
    return { database: assigned.database, exitCode, footprint }
  } finally {
    await scopes.close()
  }
}
