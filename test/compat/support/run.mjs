import { spawn } from 'node:child_process'

/** What ends a job as skipped. */
export class Skip extends Error {}

/**
 * Ends the job as skipped: what it needs is not there.
 *
 * @returns {never}
 */
export function skip(reason) {
  throw new Skip(reason)
}

/** A line that says what is being done. */
export function tell(line) {
  console.log(`· ${line}`)
}

/**
 * Runs a program to its end and answers with its standard output.
 *
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, seconds?: number, show?: boolean, uid?: number, gid?: number }} [options]
 *   `show` lets it print, and then the answer is empty
 * @throws Error with what it printed
 */
export async function run(program, args, { seconds, show = false, ...options } = {}) {
  const child = spawn(program, args, {
    ...options,
    stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    ...(seconds && { timeout: seconds * 1_000, killSignal: 'SIGKILL' }),
  })
  let output = ''
  let printed = ''
  child.stdout?.setEncoding('utf8').on('data', text => {
    output += text
    printed += text
  })
  child.stderr?.setEncoding('utf8').on('data', text => (printed += text))
  const problem = await new Promise(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`),
    )
  })
  if (problem) throw new Error(`${program} ${args.join(' ')} ${problem}\n${printed.trim()}`)
  return output
}

/** The same, but undefined instead of an error. */
export async function answer(program, args, options) {
  return run(program, args, options).catch(() => undefined)
}
