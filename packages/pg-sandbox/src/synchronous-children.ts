import { createRequire, syncBuiltinESMExports } from 'node:module'
import type { MessagePort } from 'node:worker_threads'
import { childProcess } from './builtins.js'
import { builtFile } from './built-file.js'
import type { BlockedConnection, ToSentinel } from './sentinel.js'

/** An endpoint that is served in this thread. */
export interface BlockableEndpoint {
  port: number
  /** Its clients in other processes, each with the socket's file descriptor. */
  connections(): BlockedConnection[]
  /** Ends a client that has been told of an error while this thread was blocked. */
  hangUp(fd: number): void
  /** How long such a client waits, in milliseconds. */
  patience: number
}

const endpoints = new Set<BlockableEndpoint>()
const names = ['spawnSync', 'execFileSync', 'execSync'] as const
const originals = new Map(names.map(name => [name, childProcess[name] as (...all: unknown[]) => unknown]))

/**
 * `execSync('psql …')` stops the very event loop that would answer its child: nothing but the child's end would make it go
 * on, and the child waits for its answer. So while a sandbox is open in this thread, the children of `child_process`'s
 * synchronous functions are given the address of a sentinel instead, in a thread of its own, which tells them what is wrong.
 *
 * @returns ends it for this endpoint
 */
export async function refuseSynchronousChildren(endpoint: BlockableEndpoint): Promise<() => void> {
  if (endpoints.size === 0) await wrap()
  endpoints.add(endpoint)
  return () => {
    endpoints.delete(endpoint)
    if (endpoints.size === 0) unwrap()
  }
}

const wrapped = new Map(names.map(name => [name, (...all: unknown[]) => runBlocked(name, all)]))

async function wrap(): Promise<void> {
  for (const name of names) Object.assign(childProcess, { [name]: wrapped.get(name) })
  // That looks through all of Node's modules, and mostly nobody has imported this one before.
  const { execSync } = await import('node:child_process')
  if (execSync !== childProcess.execSync) syncBuiltinESMExports()
}

function unwrap(): void {
  // Somebody else may have put a function of theirs around ours, which does nothing without a sandbox.
  for (const name of names) {
    const current: unknown = childProcess[name]
    if (current === wrapped.get(name)) Object.assign(childProcess, { [name]: originals.get(name) })
  }
  syncBuiltinESMExports()
}

function runBlocked(name: (typeof names)[number], all: unknown[]): unknown {
  const run = originals.get(name)!
  if (endpoints.size === 0) return run(...all)
  const { MessageChannel, receiveMessageOnPort } = threads()
  const sentinel = (running ??= startSentinel())
  const replies = new MessageChannel()
  const patience = Math.min(...[...endpoints].map(endpoint => endpoint.patience))
  const connections = [...endpoints].flatMap(endpoint => endpoint.connections())
  sentinel.tell({ kind: 'blocked', connections, patience, replies: replies.port2 }, [replies.port2])
  try {
    return run(...withAddress(all, sentinel.port))
  } finally {
    sentinel.tell({ kind: 'goesOn' })
    for (let next = receiveMessageOnPort(replies.port1); next; next = receiveMessageOnPort(replies.port1)) {
      for (const endpoint of endpoints) endpoint.hangUp((next.message as { fd: number }).fd)
    }
    replies.port1.close()
  }
}

/** The parameters with the sentinel's address in place of a sandbox's, wherever it stands: command, arguments, environment. */
function withAddress(all: unknown[], sentinelPort: number): unknown[] {
  const ports = [...endpoints].map(({ port }) => String(port))
  const inText = (text: string) =>
    ports.reduce(
      (changed, port) =>
        changed.replaceAll(new RegExp(`\\b(127\\.0\\.0\\.1|localhost):${port}\\b`, 'g'), `$1:${sentinelPort}`),
      text,
    )
  const inVariables = (env: NodeJS.ProcessEnv) =>
    Object.fromEntries(
      Object.entries(env)
        .filter((entry): entry is [string, string] => entry[1] !== undefined)
        .map(([key, value]) => [key, ports.includes(value) ? String(sentinelPort) : inText(value)]),
    )
  const texts = all.map(each =>
    typeof each === 'string' ? inText(each) : Array.isArray(each) ? each.map(part => inText(String(part))) : each,
  )
  const at = texts.findIndex(
    (each, index) => index > 0 && typeof each === 'object' && each !== null && !Array.isArray(each),
  )
  const options = (at === -1 ? {} : texts[at]) as { env?: NodeJS.ProcessEnv }
  const changed = { ...options, env: inVariables(options.env ?? process.env) }
  return at === -1 ? [...texts.filter(each => each !== undefined), changed] : texts.with(at, changed)
}

interface Sentinel {
  port: number
  tell(message: ToSentinel, transfer?: MessagePort[]): void
}

let running: Sentinel | undefined

/** Returns once the thread listens: this one is about to stop. */
function startSentinel(): Sentinel {
  const port = new Int32Array(new SharedArrayBuffer(4))
  const { Worker } = threads()
  const thread = new Worker(builtFile('sentinel.js'), {
    workerData: { port },
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  })
  thread.unref()
  Atomics.wait(port, 0, 0, 10_000)
  return { port: Atomics.load(port, 0), tell: (message, transfer = []) => thread.postMessage(message, transfer) }
}

/** Loaded only by whoever starts such a child. */
const threads = () => createRequire(import.meta.url)('node:worker_threads') as typeof import('node:worker_threads')
