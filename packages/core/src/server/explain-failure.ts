import { statfs } from 'node:fs/promises'
import { SeedbedError } from '@seedbed/environments/errors'
import { serverErrors } from './errors.js'
import type { ProgramFailure } from './run-program.js'

/**
 * What the file system and PostgreSQL's programs say, as an error that tells the way out. What it does not know comes
 * back as it is.
 *
 * @example throw await explainFailure(error, home)
 */
export async function explainFailure(error: unknown, home: string): Promise<unknown> {
  if (!(error instanceof Error)) return error
  const { code, stderr, path } = error as Partial<ProgramFailure> & NodeJS.ErrnoException
  const isFull = code === 'ENOSPC' || code === 'EDQUOT' || saysFull.test(`${error.message} ${stderr}`)
  const didNotStart = error instanceof SeedbedError && error.code === 'SERVER_DID_NOT_START'
  const free = isFull || didNotStart ? await freeMegabytes(home) : undefined
  // A server on a full disk may have had no room left for its complaint.
  if (isFull || (didNotStart && free !== undefined && free < 5)) {
    return serverErrors.SERVER_DISK_FULL({ folder: home, freeMegabytes: free ?? 0 }, { cause: error })
  }
  if (error instanceof SeedbedError) return error
  if (stderr !== undefined) {
    return serverErrors.SERVER_PROGRAM_FAILED({ problem: stderr.trim() || error.message }, { cause: error })
  }
  if (
    typeof code === 'string' &&
    ['EACCES', 'EPERM', 'EROFS', 'EEXIST', 'ENOTDIR', 'ENOTSUP', 'ELOOP', 'ENAMETOOLONG'].includes(code)
  ) {
    return serverErrors.SERVER_HOME_UNUSABLE({ folder: home, path: path ?? home, problem: code }, { cause: error })
  }
  return error
}

/** Of cp, of the system, and of PostgreSQL, whose short write has an error of its own. */
const saysFull = /No space left|quota exceeded|Check free disk space/i

async function freeMegabytes(folder: string): Promise<number | undefined> {
  const stat = await statfs(folder).catch(() => undefined)
  return stat && Math.floor((stat.bavail * stat.bsize) / 1024 / 1024)
}
