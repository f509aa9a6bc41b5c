import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join, sep } from 'node:path'
import { say } from './print.js'

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs a command, with our environment, input and outputs unless the options say others, passes signals on to it, and answers with an exit code as shells
 * make it: 128 + n after signal n, 127 if it does not exist, 126 if it cannot be executed.
 */
export async function runChild(
  command: readonly [string, ...string[]],
  options: Pick<SpawnOptions, 'cwd' | 'env' | 'stdio' | 'shell'> = {},
): Promise<number> {
  let child: ChildProcess | undefined
  const forward = (signal: NodeJS.Signals) => {
    if (signal !== 'SIGINT' || !isInForeground()) child?.kill(signal)
  }
  for (const signal of forwarded) process.on(signal, forward)
  try {
    return await new Promise<number>((resolve, reject) => {
      const [program, ...args] = command
      const started = spawn(program, args, { stdio: 'inherit', ...options })
      child = started
      // A signal that it does not take, from sudo for instance, is an error too, and it runs on.
      started.on('error', error => started.pid === undefined && reject(error))
      started.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
    })
  } catch (error) {
    return explainSpawn(command[0], error as NodeJS.ErrnoException)
  } finally {
    // From here on they end this process again.
    for (const signal of forwarded) process.removeListener(signal, forward)
  }
}

/** Then the terminal has sent its Ctrl-C to the command as well, and twice would be once too often for many programs. */
function isInForeground(): boolean {
  try {
    // Manual page proc(5): after the name in brackets come state, ppid, pgrp, session, tty_nr, tpgid.
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields[2] === fields[5]
  } catch {
    return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)
  }
}

function explainSpawn(program: string, { code, message }: NodeJS.ErrnoException): number {
  if (code === 'ENOENT' || !isThere(program)) {
    say(`${program}: command not found. What only a shell knows needs one: seedbed run -- sh -c '…'`)
    return 127
  }
  say(`${program}: cannot be executed: ${message}`)
  return 126
}

/** A folder of PATH that may not be entered makes the system say EACCES of what is nowhere. */
function isThere(program: string): boolean {
  if (program.includes(sep)) return true
  return (process.env.PATH ?? '').split(delimiter).some(folder => existsSync(join(folder, program)))
}
