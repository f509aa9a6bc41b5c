import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ServerUser } from './server-user.js'

export interface ProgramFailure extends Error {
  /** The exit code, or the system's word for why it could not be run at all: `EACCES`. */
  code: number | string
  stderr: string
}

/**
 * Runs a program to its end as the server's user, in `/` (that user may not be allowed in our own folder), with no
 * variable of our environment but those given.
 *
 * @throws `ProgramFailure`
 * @example await runProgram('/…/bin/initdb', ['-D', folder], { user, env: binaries.env })
 */
export async function runProgram(
  file: string,
  args: string[],
  { user, env = {} }: { user?: ServerUser; env?: Record<string, string> },
): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, {
    ...user?.runAs,
    cwd: '/',
    env: { PATH: process.env.PATH, ...env, LC_ALL: 'C', TZ: 'UTC' },
  })
  return stdout
}
