import { Worker } from 'node:worker_threads'
import { builtFile } from './built-file.js'
import { nothingSent, type DirectCounts } from './direct-counts.js'
import { errorFrom, errors, partsOf, type ErrorParts } from './errors.js'
import type { Footprint } from './footprint.js'
import type { Maintenance, MaintenanceQuery } from './maintain.js'
import type { LeaveOptions, Sandbox, SandboxOptions } from './open-sandbox.js'

/** What the thread is asked for; it answers in the order of the asking, or with `query` in the midst of `maintain`. */
export type Call =
  | { id: number; call: 'enter'; scope: string; direct: boolean | null }
  | { id: number; call: 'maintain' | 'maintained' | 'refresh' | 'disconnect' | 'close' }
  | { id: number; call: 'place'; scope: number; url?: string; error?: ErrorParts }
  | { id: number; call: 'leave'; options: LeaveOptions }
  | { id: number; call: 'query'; text: string; values: readonly string[] }

export interface Answer {
  id: number
  value?: unknown
  error?: ErrorParts
  state: State
}

/** In the midst of whatever is asked of it the thread asks where a scope's database is. */
export interface Question {
  /** The `id` of the call that has entered the scope. */
  placeOf: number
}

/** What can be asked without waiting, as it was at the last answer. */
export interface State {
  sessions: number
  used: boolean
  direct: DirectCounts
  escaped: string | undefined
}

/** What the thread says first. */
export type Opened = { url: string; urls: ReadonlyMap<string, string> } | { error: ErrorParts }

/** A sandbox in a thread of its own: it answers also while this one is blocked. */
export async function openInOwnThread(options: SandboxOptions): Promise<Sandbox> {
  const thread = new Worker(builtFile('sandbox-thread.js'), { workerData: options, execArgv: [] })
  thread.unref()
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let lastId = 0
  let state: State = { sessions: 0, used: false, direct: nothingSent, escaped: undefined }
  let closing: Promise<void> | undefined

  const opened = await new Promise<Extract<Opened, { url: string }>>((resolve, reject) => {
    thread.once('error', reject)
    thread.once('message', (message: Opened) => {
      if ('error' in message) reject(errorFrom(message.error))
      else resolve(message)
    })
  })
  thread.on('message', (message: Answer | Question) => {
    if ('placeOf' in message) {
      void tellPlace(message)
      return
    }
    const { id, value, error, state: now } = message
    state = now
    const { resolve, reject } = waiting.get(id)!
    waiting.delete(id)
    if (waiting.size === 0) thread.unref()
    if (error) reject(errorFrom(error))
    else resolve(value)
  })
  thread.on('error', (error: Error) => {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  })

  /** Where the scopes are that were entered with a place, by the call's id. */
  const places = new Map<number, () => Promise<string>>()
  async function tellPlace({ placeOf: scope }: Question): Promise<void> {
    const answer = await places.get(scope)!().then(
      url => ({ url }),
      (error: Error) => ({ error: partsOf(error) }),
    )
    thread.postMessage({ id: 0, call: 'place', scope, ...answer } satisfies Call)
  }

  async function ask(call: DistributiveOmit<Call, 'id'>): Promise<unknown> {
    // A thread that has ended does not answer.
    if (closing) throw errors.CLOSED(undefined)
    const id = ++lastId
    // The process goes on as long as there is an answer to come.
    thread.ref()
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      thread.postMessage({ ...call, id })
    })
  }

  const query: MaintenanceQuery = (text, values = []) =>
    ask({ call: 'query', text, values }) as ReturnType<MaintenanceQuery>

  const sandbox: Sandbox = {
    url: opened.url,
    port: Number(new URL(opened.url).port),
    urlOf(user) {
      const url = opened.urls.get(user)
      if (url === undefined) throw errors.INVALID_OPTION({ option: 'users', problem: `it has no "${user}"` })
      return url
    },
    get sessions() {
      return state.sessions
    },
    get escaped() {
      return state.escaped
    },
    get used() {
      return state.used
    },
    get direct() {
      return state.direct
    },
    async enter(scope, { direct } = {}) {
      // The next call has this id.
      if (direct) places.set(lastId + 1, direct)
      await ask({ call: 'enter', scope, direct: direct === null ? null : direct !== undefined })
    },
    // Each answer brings the state along.
    refresh: async () => void (await ask({ call: 'refresh' })),
    disconnect: async () => void (await ask({ call: 'disconnect' })),
    leave: (options = {}) => ask({ call: 'leave', options }) as Promise<Footprint>,
    async maintain(work: Maintenance) {
      await ask({ call: 'maintain' })
      try {
        await work(query)
      } finally {
        await ask({ call: 'maintained' })
      }
    },
    close: () => (closing ??= ask({ call: 'close' }).then(async () => void (await thread.terminate()))),
    [Symbol.asyncDispose]: () => sandbox.close(),
  }
  return sandbox
}

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never
