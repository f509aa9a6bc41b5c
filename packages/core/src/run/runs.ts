import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openedScopes } from '../worker/scopes.js'
import { refuseConnections } from './refuse-connections.js'
import { publishReport } from './publish-report.js'
import type { RunHandle } from './run-handle.js'
import { handlesVariable } from './run-of.js'
import { startRun, type Run } from './start-run.js'

export interface StartRunsOptions {
  /** Those of the projects that are tested together, each with a config, migrations and seeds of its own. */
  folders: string[]
  /** How many workers the runner starts, for all projects together. */
  slots: number
}

const started: Run[] = []

/**
 * Starts a run for each project and prints what it does: for runners whose workers inherit nothing but the environment of the
 * main process, and which begin and end in modules of their own.
 *
 * @throws what `startRun` does; no run is left then
 * @example await startRuns({ folders: ['/home/ada/shop'], slots: 4 })
 */
export async function startRuns({ folders, slots }: StartRunsOptions): Promise<void> {
  refuseConnections()
  const handles: Record<string, RunHandle> = {}
  try {
    for (const folder of folders) {
      const run = await startRun({ folder, slots })
      started.push(run)
      handles[folder] = run.handle
    }
    const file = join(started[0]!.handle.folder, 'runs.json')
    await writeFile(file, JSON.stringify(handles), { mode: 0o600 })
    process.env[handlesVariable] = file
  } catch (error) {
    await endRuns()
    throw error
  }
  // Where nobody calls closeRuns, because a config has a teardown of its own.
  process.once('beforeExit', closeAtTheEnd)
}

/** Ends them, and prints what they have done. */
export async function closeRuns(): Promise<void> {
  for (const report of await endRuns()) await publishReport(report)
}

const closeAtTheEnd = () => void closeRuns()

async function endRuns() {
  process.removeListener('beforeExit', closeAtTheEnd)
  // If the tests ran in this very process.
  await openedScopes()?.close()
  return Promise.all(started.splice(0).map(run => run.close()))
}
