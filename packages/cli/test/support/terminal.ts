import { spawn } from 'node:child_process'
import { bin, watch, type Outcome, type Project, type Running } from './project.js'

/**
 * Runs the command in a project, on a pseudo-terminal of util-linux `script`; what it writes is its standard output.
 *
 * @param args as a shell reads them
 * @param before goes before it in the same shell: `stty cols 12;`
 */
export function atTerminal(
  { folder }: Pick<Project, 'folder'>,
  args: string,
  { env = {}, before = '' }: { env?: Record<string, string>; before?: string } = {},
): Running {
  const { PATH, HOME } = process.env
  const command = `${before} exec ${process.execPath} ${bin} ${args}`
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    cwd: folder,
    env: { PATH, HOME, SHELL: '/bin/sh', TERM: 'xterm', ...env },
  })
  return watch(child)
}

/** Types when it asks, and waits for its end. */
export async function type(running: Running, question: RegExp, types: string): Promise<Outcome> {
  await running.printed(question)
  running.child.stdin!.write(types)
  return running.ended
}

/** What a terminal shows, without colours and movements of its cursor. */
// eslint-disable-next-line no-control-regex -- those are control sequences
export const shown = (output: string) => output.replace(/\u001b\[[\d;]*[a-zA-Z]/g, '')
