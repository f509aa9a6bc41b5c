import { createHash } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { configErrors } from '../config/errors.js'

/**
 * Makes the private folder of a run, and removes those of runs of this machine that were killed.
 *
 * @param parent by default the system's temporary folder
 * @throws TEMPORARY_FOLDER_UNUSABLE
 */
export async function makeRunFolder(parent = tmpdir()): Promise<string> {
  const here = `seedbed-run-${pidNamespace()}-`
  try {
    await removeOfDead(parent, here)
    // mkdtemp makes it 0700.
    return await mkdtemp(join(parent, `${here}${process.pid}-`))
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    throw configErrors.TEMPORARY_FOLDER_UNUSABLE({ folder: parent, problem: code }, { cause: error })
  }
}

async function removeOfDead(parent: string, here: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(here)) continue
    const pid = Number(name.slice(here.length).split('-')[0])
    if (!isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true }).catch(() => {})
  }
}

/** Two containers may share a folder, and one's pid says nothing to the other. */
function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '')
  } catch {
    return createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
