import { spawn, type ChildProcess } from 'node:child_process'
import { atProcessEnd } from '../server/process-end.js'
import { applyVariables } from './apply-variables.js'
import type { WorkerDatabase } from './run-handle.js'

export interface DatabaseProgram {
  /** A line for the shell, or a script of ours for this Node, with a message that it gets. */
  run: { shell: string } | { script: string; message: object }
  folder: string
  /** The database; its password is taken out of what is returned. */
  url: string
  /** What it gets beside our own environment; of that, no PG* comes through. Null stands for one that has to be unset. */
  variables: WorkerDatabase['variables']
  /** Milliseconds after which it is killed. @default it takes as long as it takes */
  limit?: number
}

export interface ProcessEnd {
  /** How it ended, for people; null if it ended well. */
  failure: string | null
  /** The last of what it wrote to both outputs, at most 16 KB, without the password. */
  output: string
  /** What a script of ours sent back. */
  answer: unknown
}

/**
 * Runs a program that works on a database, migrates it for instance, and keeps the end of its output.
 * It reads nothing from the terminal. It is a process group of its own, which is killed when the time is up and when
 * this process is told to stop: otherwise Ctrl-C would leave it working on a database that is being thrown away.
 */
export async function runWithDatabase(options: DatabaseProgram): Promise<ProcessEnd> {
  let child: ChildProcess | undefined
  let timer: NodeJS.Timeout | undefined
  let answer: unknown
  let late = false
  const { limit } = options
  const expire = () => {
    late = true
    killGroup(child)
  }
  // before the start: the moment between would be long enough for Ctrl-C
  const forget = atProcessEnd(() => killGroup(child), { atAnySignal: true })
  try {
    child = start(options)
    const tail = collectOutput(child)
    child.on('message', message => {
      answer = message
    })
    if ('script' in options.run) child.send(options.run.message)
    if (limit !== undefined) timer = setTimeout(expire, limit)
    const failure = await ended(child)
    const reason = late ? `did not end within ${Math.round(limit! / 60_000)} minutes and was killed` : failure
    return { failure: reason, output: withoutPassword(tail(), options.url), answer }
  } finally {
    clearTimeout(timer)
    forget()
    for (const stream of [child?.stdout, child?.stderr]) stream?.destroy()
  }
}

function start({ run, folder, variables }: DatabaseProgram): ChildProcess {
  const env = { ...process.env }
  for (const name of Object.keys(env)) if (name.startsWith('PG')) delete env[name]
  applyVariables(env, variables)
  const group = { cwd: folder, env, detached: !windows }
  if ('shell' in run) return spawn(run.shell, { ...group, shell: true, stdio: ['ignore', 'pipe', 'pipe'] })
  return spawn(process.execPath, [run.script], { ...group, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
}

const windows = process.platform === 'win32'

/** The ends of both outputs, one after the other: a flood on one must not push an error out of the other. */
function collectOutput(child: ChildProcess): () => string {
  const tails = [child.stdout!, child.stderr!].map(stream => {
    let tail = ''
    let cut = false
    stream.setEncoding('utf8').on('data', (text: string) => {
      cut ||= tail.length + text.length > keptOfEach
      tail = (tail + text).slice(-keptOfEach)
    })
    return () => (cut ? `…${tail.slice(tail.indexOf('\n'))}` : tail).trim()
  })
  return () =>
    tails
      .map(tail => tail())
      .join('\n')
      .trim()
}

const keptOfEach = 8 * 1024

/**
 * Waits for `close`, when all outputs and the answer have been read. A daemon that the command has left behind keeps
 * them open: it is not waited for.
 */
function ended(child: ChildProcess): Promise<string | null> {
  const reason = (code: number | null, signal: NodeJS.Signals | null) =>
    signal ? `was killed by ${signal}` : code === 0 ? null : `ended with exit code ${code}`
  return new Promise(resolve => {
    child.once('error', error => resolve(`could not be started: ${error.message}`))
    child.once('close', (code, signal) => resolve(reason(code, signal)))
    child.once('exit', (code, signal) => setTimeout(() => resolve(reason(code, signal)), 2_000).unref())
  })
}

function killGroup(child: ChildProcess | undefined): void {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    if (windows) spawn('taskkill', ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore' })
    else process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The password as it is, and as it stands in the URL. */
export function withoutPassword(text: string, url: string): string {
  const { password } = new URL(url)
  if (password === '') return text
  return text.replaceAll(decodeURIComponent(password), '***').replaceAll(password, '***')
}
