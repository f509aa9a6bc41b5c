import { readFile } from 'node:fs/promises'
import { workerErrors } from '../worker/errors.js'
import type { RunHandle } from './run-handle.js'

/** Names a private file with the handles of the runs by their folders. What the main process starts inherits it. */
export const handlesVariable = 'SEEDBED_RUNS'

/**
 * The run of a project, in a worker of those that `startRuns` has started.
 *
 * @throws GLOBAL_SETUP_REPLACED
 */
export async function runOf(folder: string): Promise<RunHandle> {
  const { [handlesVariable]: file } = process.env
  const { [folder]: handle } = file ? (JSON.parse(await readFile(file, 'utf8')) as Record<string, RunHandle>) : {}
  if (!handle) throw workerErrors.GLOBAL_SETUP_REPLACED({ folder })
  return handle
}
