import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { onTestFailed } from 'vitest'

export interface Ended {
  exitCode: number | null
  /** Standard output and error, without colours. */
  output: string
  stdout: string
}

export interface Running {
  child: ChildProcess
  output(): string
  /** Resolves when the output since the last call matches; rejects when the process ends first. */
  printed(pattern: RegExp): Promise<void>
  ended: Promise<Ended>
}

/**
 * Starts a runner in a project, with next to nothing of this process's environment, and leaves it running. What it has printed is
 * shown where the test fails, also for want of time.
 */
export function startProgram(command: [string, ...string[]], folder: string, env: Record<string, string>): Running {
  const [program, ...args] = command
  const { PATH, HOME, SEEDBED_HOME } = process.env
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH, HOME, SEEDBED_HOME, NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let text = ''
  let stdout = ''
  let seen = 0
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', chunk => {
      text += chunk
      for (const look of waiting) look()
    })
  }
  child.stdout.on('data', chunk => (stdout += chunk))
  onTestFailed(() => console.error(`${command.join(' ')}\n${text}`))
  const ended = once(child, 'close').then(([exitCode]) => {
    for (const look of waiting) look()
    return { exitCode: exitCode as number | null, output: text, stdout }
  })
  return {
    child,
    ended,
    output: () => text,
    printed: pattern =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(text.slice(seen))
          if (match) seen += match.index + match[0].length
          else if (child.exitCode === null) return
          waiting.delete(look)
          if (match) resolve()
          else reject(new Error(`it ended before it printed ${pattern}:\n${text}`))
        }
        waiting.add(look)
        look()
      }),
  }
}
