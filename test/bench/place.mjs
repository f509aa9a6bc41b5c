import { accessSync, chmodSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A folder for everything that the benchmark makes: projects, SEEDBED_HOME, data. On tmpfs where there is one, since
 * creating a file on a disk can have two speeds. Other users may pass through it: PostgreSQL does not run as root.
 *
 * @returns {{ folder: string, description: string, remove: () => void }}
 */
export function makePlace() {
  const tmpfs = process.platform === 'linux' && canWrite('/dev/shm')
  const folder = mkdtempSync(join(tmpfs ? '/dev/shm' : tmpdir(), 'seedbed-bench-'))
  chmodSync(folder, 0o755)
  return {
    folder,
    description: tmpfs
      ? 'projects and PostgreSQL data on tmpfs (/dev/shm)'
      : `projects and PostgreSQL data on disk (${tmpdir()}): there is no tmpfs here, so expect noise where databases are made`,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function canWrite(folder) {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
