import { clearRealImmediate, setRealImmediate } from './clock.js'
import { drained } from './drained.js'
import { errors } from './errors.js'
import { FrameError, frameReader, type Frame } from './frames.js'
import { logInToServer, type LogInToServer, type LoggedIn } from './log-in-to-server.js'
import { query, reportFields, sync } from './messages.js'
import { noParameters, parseMessage, runPrepared } from './prepared.js'
import { frameCollector } from './replies.js'

/** What takes the server's messages while an exchange is on. */
export interface Sink {
  frame(frame: Frame): void
  /** Rows or COPY data: some messages, or a piece of one. */
  part(bytes: Buffer): void
}

/** For replies that say nothing to anybody. */
export const ignored: Sink = { frame() {}, part() {} }

/**
 * The one session on the server that all clients share. It relays messages and knows nothing of transactions. One
 * exchange at a time: whoever sends has to have the turn.
 */
export interface ServerSession {
  /** What the server reported at the log-in, for instance `server_version` and `TimeZone`. */
  readonly parameters: ReadonlyMap<string, string>
  /** The same as they are now. */
  readonly current: ReadonlyMap<string, string>
  /** How often the server has reported a change. */
  changes(): number
  readonly processId: number
  /** `18`. */
  readonly majorVersion: number
  /**
   * Sends messages and hands their replies to `sink`, until the server has been ready `times` times.
   *
   * @throws SandboxError SESSION_LOST
   */
  exchange(messages: Buffer[], sink: Sink, times: number): Promise<void>
  /**
   * Runs statements of our own that cannot fail as long as the session is sound, and waits for nothing. They leave in one
   * packet with what is sent next, in front of it; alone, if nothing is sent in this turn of the event loop.
   */
  post(sql: string, onFailure: (reason: string) => void): void
  /** Takes back what was posted, if it is this and has not left: what is sent now does the same. */
  withdraw(sql: string): void
  /** Sends more within an exchange: COPY data, and the Sync behind it. */
  sendMore(bytes: Buffer): boolean
  /** Runs statements of our own in one round trip; the rows of each, as text. An error of the server is thrown. */
  run(sql: string): Promise<(string | null)[][][]>
  /**
   * Prepares statements of ours that return no rows.
   *
   * @returns for each the messages that run it; they need a Sync, or a simple query, behind them
   */
  prepare(statements: readonly string[]): Promise<Map<string, Buffer>>
  /** Whether an exchange is on. */
  busy(): boolean
  /** Stops and resumes reading from the server, for a client that takes its rows slowly. */
  pause(): void
  resume(): void
  /** Resolves when the server takes more data. */
  drained(): Promise<void>
  /** Asks the server to cancel what it does now. */
  cancel(): Promise<void>
  lost(): Error | undefined
  /** Ends the session for good: it cannot be trusted any more. */
  abandon(reason: string): void
  close(): Promise<void>
}

interface Posted {
  sql: string
  onFailure: (reason: string) => void
  /** Sends it alone. */
  timer: NodeJS.Immediate
}

interface Exchange {
  sink: Sink
  /** How often the server has still to be ready. */
  left: number
  /** Neither where nobody waits. */
  resolve?: () => void
  reject?: (error: Error) => void
}

/** In ReadyForQuery. */
const inTransaction = 'T'.charCodeAt(0)

/**
 * @param options.whenFull the hint of the error if the server has no connection left
 * @param options.findProblem a query: see SandboxOptions
 * @throws SandboxError CONNECTION_FAILED, DATABASE_CHANGED
 */
export async function openServerSession(
  url: string,
  options: Pick<LogInToServer, 'whenFull' | 'findProblem'> = {},
): Promise<ServerSession> {
  return takeOver(await logInToServer(url, { ...options, first: forTheShared }))
}

/** What a role or database sets would end the session in the middle of a test, or hide a COMMIT from the sandbox. */
function forTheShared(majorVersion: number): string[] {
  const timeouts = ['idle_in_transaction_session_timeout', 'idle_session_timeout']
  if (majorVersion >= 17) timeouts.push('transaction_timeout')
  return [...timeouts.map(name => `set ${name} = 0`), 'set standard_conforming_strings = on']
}

function takeOver({ stream, parameters, processId, majorVersion, cancel, farewell }: LoggedIn): ServerSession {
  /** The oldest first; only the newest is one that somebody waits for. */
  const exchanges: Exchange[] = []
  /** What has not left yet. */
  let posted: Posted | undefined
  let lost: Error | undefined
  /** Why the server hangs up, in its own words. */
  let lastWords: string | undefined

  const now = new Map(parameters)
  let changes = 0

  const read = frameReader(
    frame => {
      if (frame.type === 'S') {
        const [name, value] = frame.bytes.toString('utf8', 5).split('\0')
        now.set(name!, value!)
        changes += 1
        return
      }
      if (frame.type === 'E') lastWords = lastWordsIn(frame.bytes) ?? lastWords
      const [current] = exchanges
      current?.sink.frame(frame)
      if (frame.type !== 'Z' || !current || --current.left > 0) return
      exchanges.shift()
      if (exchanges.length === 0) stream.unref()
      current.resolve?.()
    },
    { passed: { types: 'Dd', take: bytes => exchanges[0]?.sink.part(bytes) } },
  )
  stream.on('data', chunk => {
    try {
      read(chunk)
    } catch (error) {
      lose(error as FrameError)
    }
  })
  stream.on('error', lose)
  stream.on('close', () => lose(new Error(hangUp)))

  function lose(error: Error) {
    if (lost) return
    // Said before the connection broke, whatever the system makes of that. One who writes just then may never read it.
    const reason = lastWords !== undefined || isHangUp(error) ? new Error(lastWords ?? hangUp) : error
    lost = reason
    takePosted()
    stream.destroy()
    for (const { reject } of exchanges.splice(0)) {
      reject?.(errors.SESSION_LOST({ reason: reason.message }, { cause: reason }))
    }
  }

  // While it waits for nothing, it keeps no process alive: clients of this process that are idle would not either.
  stream.unref()

  function send(messages: Buffer[], exchange: Exchange): void {
    if (exchanges.length === 0) stream.ref()
    const first = takePosted()
    if (first) {
      exchanges.push(exchangeOf(first))
      messages = [query(first.sql), ...messages]
    }
    exchanges.push(exchange)
    // One packet, and one system call, whatever the number of messages.
    stream.write(messages.length === 1 ? messages[0]! : Buffer.concat(messages))
  }

  function takePosted(): Posted | undefined {
    const taken = posted
    posted = undefined
    if (taken) clearRealImmediate(taken.timer)
    return taken
  }

  function sendPosted(): void {
    const taken = takePosted()
    if (taken) send([query(taken.sql)], exchangeOf(taken))
  }

  const session: ServerSession = {
    parameters,
    current: now,
    changes: () => changes,
    processId,
    majorVersion,
    exchange(messages, sink, times) {
      if (lost) return Promise.reject(errors.SESSION_LOST({ reason: lost.message }, { cause: lost }))
      if (exchanges.at(-1)?.resolve) return Promise.reject(new Error('two exchanges at once'))
      return new Promise((resolve, reject) => send(messages, { sink, left: times, resolve, reject }))
    },
    post(sql, onFailure) {
      if (lost) return
      sendPosted()
      posted = { sql, onFailure, timer: setRealImmediate(sendPosted) }
    },
    withdraw(sql) {
      if (posted?.sql === sql) takePosted()
    },
    sendMore: bytes => stream.write(bytes),
    async run(sql) {
      const replies = frameCollector()
      await session.exchange([query(sql)], replies, 1)
      return replies.results()
    },
    async prepare(statements) {
      const replies = frameCollector()
      const named = statements.map((sql, index) => ({ sql, name: `sandbox_${index}` }))
      const messages = named.map(({ sql, name }) => parseMessage(name, sql, noParameters))
      await session.exchange([...messages, sync], replies, 1)
      replies.results()
      return new Map(named.map(({ sql, name }) => [sql, Buffer.concat(runPrepared(name))]))
    },
    busy: () => exchanges.length > 0,
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    drained: async () => {
      if (stream.writableNeedDrain && !lost) await drained(stream)
    },
    cancel,
    lost: () => lost,
    abandon: reason => lose(new Error(reason)),
    async close() {
      if (lost) return
      lost = new Error('the sandbox was closed')
      takePosted()
      const closed = new Promise(resolve => stream.once('close', resolve))
      stream.ref()
      stream.end(farewell)
      await closed
    },
  }
  return session
}

/** What it is to come to: no error, and a transaction. */
function exchangeOf({ sql, onFailure }: Posted): Exchange {
  const frame = ({ type, bytes }: Frame) => {
    if (type === 'E') onFailure(`${sql} failed: ${reportFields(bytes).get('M')}`)
    if (type === 'Z' && bytes[5] !== inTransaction) onFailure(`there is no transaction behind ${sql}`)
  }
  return { sink: { ...ignored, frame }, left: 1 }
}

const hangUp = 'the server closed the connection'
const isHangUp = ({ code = '' }: NodeJS.ErrnoException) => ['EPIPE', 'ECONNRESET'].includes(code)

/** The server hangs up after an error that is FATAL, or PANIC. */
function lastWordsIn(bytes: Buffer): string | undefined {
  const fields = reportFields(bytes)
  return fields.get('V') === 'ERROR' ? undefined : fields.get('M')
}
