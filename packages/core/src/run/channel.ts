import { randomBytes } from 'node:crypto'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { IsolatedCalls } from './isolated-databases.js'
import type { WorkerDatabase } from './run-handle.js'

/** What a worker asks when a failed test is to be kept; nobody else may make and rename databases. */
export interface KeepCalls {
  /** Another database for this worker and those that follow it in its slot: the one that it has is about to be committed in. */
  offer(place: Place): Promise<NextDatabase>
  /** It was: it is kept under a name of its own. */
  keep(place: KeptPlace): Promise<KeptTest>
  /** It was not: the worker stays there. */
  stay(place: Place): Promise<void>
}

/** What workers ask the main process for. */
export type MainCalls = KeepCalls & IsolatedCalls

/** A slot, and the database that its worker was on when the test failed. */
export interface Place {
  slot: number
  database: string
}

interface KeptPlace extends Place {
  /** The test's: its file, the suites around it, and itself. */
  path: string[]
}

export type NextDatabase = Pick<WorkerDatabase, 'database' | 'url'>

/** A failed test whose database was kept. */
export interface KeptTest {
  /** `users.test.ts > a describe > renames`. */
  test: string
  database: string
  /** Opens it with psql, and starts its server first if need be. No password stands in it. */
  command: string
  /** What psql asks for, and where that can be found; null if it asks for nothing. */
  password: string | null
}

/** How a worker reaches the main process. */
export interface ChannelAddress {
  /** Of the main process. */
  pid: number
  port: number
  /** Unguessable. */
  password: string
}

export interface Channel {
  address: ChannelAddress
  /** Waits for the calls that have begun. */
  close(): Promise<void>
}

/** More than any call takes; who sends more is not a worker of ours. */
const longestCall = 100_000

/**
 * Listens for the calls of workers, on loopback: a connection a call. It does not keep the process alive.
 *
 * @example const { address } = await openChannel(calls)
 */
export async function openChannel(calls: MainCalls): Promise<Channel> {
  const password = randomBytes(18).toString('base64url')
  const begun = new Set<Promise<Answer>>()
  const server = createServer({ allowHalfOpen: true }, socket => {
    // A worker that was killed is simply gone.
    socket.on('error', () => {})
    void serve(socket)
  })

  async function serve(socket: Socket): Promise<void> {
    const call = parsed(await textOf(socket)) as (Call & { password: string }) | undefined
    if (call?.password !== password) return void socket.destroy()
    const answer = perform(calls, call).then(
      (result): Answer => ({ result }),
      (error: Error): Answer => ({ error: error.message }),
    )
    begun.add(answer)
    socket.end(JSON.stringify(await answer))
    begun.delete(answer)
  }

  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  server.unref()
  return {
    address: { pid: process.pid, port: (server.address() as AddressInfo).port, password },
    async close() {
      server.close()
      await Promise.all(begun)
    },
  }
}

/**
 * The calls, from a worker.
 *
 * @example const { url } = await mainProcess(run.main).offer({ slot: 1, database: 'clone_1' })
 */
export function mainProcess({ port, password }: Omit<ChannelAddress, 'pid'>): MainCalls {
  function call<Name extends keyof MainCalls>(name: Name): MainCalls[Name] {
    const send = async (place: Call['place']): Promise<unknown> => {
      const socket = connect(port, '127.0.0.1')
      socket.end(JSON.stringify({ name, place, password }))
      const answer = parsed(await textOf(socket)) as Answer | undefined
      if (!answer) throw new Error('the main process of the run does not answer')
      if (answer.error !== undefined) throw new Error(answer.error)
      return answer.result
    }
    return send as MainCalls[Name]
  }
  return {
    offer: call('offer'),
    keep: call('keep'),
    stay: call('stay'),
    borrow: call('borrow'),
    giveBack: call('giveBack'),
    clone: call('clone'),
    discard: call('discard'),
    keepIsolated: call('keepIsolated'),
  }
}

interface Call {
  name: keyof MainCalls
  place: Parameters<MainCalls[keyof MainCalls]>[0]
}

interface Answer {
  result?: unknown
  error?: string
}

async function perform(calls: MainCalls, { name, place }: Call): Promise<unknown> {
  return (calls[name] as (place: Call['place']) => Promise<unknown>)(place)
}

/** All that the other side sends before it ends; what has come so far if the connection breaks. */
async function textOf(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (text.length > longestCall) socket.destroy()
  })
  await new Promise(resolve => socket.on('end', resolve).on('close', resolve).on('error', resolve))
  return text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
