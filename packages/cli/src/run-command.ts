import { publishReport, refuseConnections, startRun, type Run } from '@seedbed/core'
import { askedHere, knownEnvironments, resolveEnvironment, runnerOf } from '@seedbed/environments'
import { openScopes, type Scope } from '@seedbed/core/scopes'
import { footprintLines } from './footprint-lines.js'
import { colour, say, sayPlace } from './print.js'
import { runChild } from './run-child.js'
import { runInEnvironment } from './run-in-environment.js'

/**
 * Runs a command in a sandbox on a worker database of the project, and answers with its exit code. Nothing stays of what
 * it has committed.
 *
 * @param flag an environment that the command is to run in, as it is and without a sandbox; under a test runner it is not followed
 * @param folder the project's config is looked for from here upwards
 * @throws SeedbedError where the database cannot be made ready: the command has not run then
 * @example process.exitCode = await runCommand(['psql', '-c', 'select 1'], process.cwd())
 */
export async function runCommand(
  command: readonly [string, ...string[]],
  folder: string,
  flag?: string,
): Promise<number> {
  if (flag !== undefined) {
    const asked = askedHere({ folder, environment: flag, purpose: 'command' })
    const isTest = knownEnvironments(asked.config).find(flag)?.name === 'test'
    if (!isTest && !runnerOf(process.env)) return runInEnvironment(command, resolveEnvironment(asked), asked)
  }
  // Seeds in TypeScript are run in this process.
  refuseConnections()
  const run = await startRun({ folder, slots: 1, progress: say })
  try {
    return await inSandbox(run, command)
  } finally {
    const report = await run.close()
    if (process.env.SEEDBED_REPORT) await publishReport(report, text => process.stderr.write(`${text}\n`))
    else for (const { database, reason } of report.dropped) say(colour('yellow', `${database} was dropped: ${reason}`))
  }
}

/** As a runner's worker does it that runs one file; the command inherits the worker's variables. */
async function inSandbox({ handle, environment }: Run, command: readonly [string, ...string[]]): Promise<number> {
  const scopes = await openScopes(handle, 1)
  const { sandbox, assigned } = scopes
  const file: Scope = { id: 'command', kind: 'file', name: command[0] }
  try {
    sayPlace({ environment, server: `a sandbox of ${assigned.database}` })
    await scopes.enter(file)
    await sandbox.enter(command[0])
    const code = await runChild(command)
    for (const line of footprintLines(await sandbox.leave())) say(line)
    await scopes.leave(file)
    return code
  } finally {
    await scopes.close()
  }
}
