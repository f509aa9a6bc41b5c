// The linter reads no tsconfig for tests: without this it knows no AsyncDisposable.
/// <reference types="node" />
import { connect, type Socket } from 'node:net'
import { encode, type Request } from './requests.js'

/** What a server sends, in the order in which it came; all but the start-up, and CopyBothResponse. */
export type Reply =
  | { type: 'columns'; names: string[] }
  | { type: 'row'; values: (string | null)[] }
  | { type: 'complete'; tag: string }
  | ErrorReply
  | NoticeReply
  | { type: 'parameterTypes'; oids: number[] }
  | { type: 'parameter'; name: string; value: string }
  | { type: 'notification'; channel: string; payload: string }
  | { type: 'copyData'; text: string }
  | { type: 'ready'; status: 'I' | 'T' | 'E' }
  | { type: (typeof emptyReplies)[keyof typeof emptyReplies] }

export type ErrorReply = { type: 'error' } & Report
export type NoticeReply = { type: 'notice' } & Report

export interface Report {
  severity: string
  /** SQLSTATE. */
  code: string
  message: string
  detail?: string
  hint?: string
  /** Where in the query's text, counted in characters from 1. */
  position?: string
}

export interface WireClient extends AsyncDisposable {
  /** What the server reported at start-up, and since then: `server_version`, `TimeZone`, … */
  readonly parameters: ReadonlyMap<string, string>
  /** For a CancelRequest. */
  readonly processId: number
  readonly secretKey: number
  /** A simple query: everything up to ReadyForQuery, which is the last reply. */
  query(text: string): Promise<Reply[]>
  /** Sends messages in one packet, and returns everything up to ReadyForQuery: the last of them is a Sync or a Query. */
  exchange(...requests: Request[]): Promise<Reply[]>
  /** Sends messages in one packet, and waits for nothing. */
  send(...requests: Request[]): void
  /** Sends bytes, whatever they are. */
  write(bytes: Buffer): void
  /**
   * Everything up to the first reply of one of these types; ReadyForQuery if there are none.
   *
   * @throws an error with `replies`, if the connection ends or nothing comes for `timeout` ms
   */
  receive(...until: Reply['type'][]): Promise<Reply[]>
  /** Resolves when the other side has hung up. */
  readonly ended: Promise<void>
  /** Says goodbye (Terminate) and hangs up. */
  close(): Promise<void>
  /** Hangs up without a word. */
  vanish(): void
}

export interface WireOptions {
  /** `postgresql://user:password@host:port/database`; a folder with a socket stands percent-encoded in the host. */
  url: string
  /** What the start-up says besides user and database: `application_name`, `options`, … */
  settings?: Record<string, string>
  /** How long one waits for a reply, in milliseconds. @default 10000 */
  timeout?: number
}

/**
 * A client of the protocol 3.0 that shows what really came over the wire: for tests. It logs in without a password or
 * with one in clear text; SCRAM and TLS it does not know (manual, chapter 54, Frontend/Backend Protocol).
 *
 * @throws ErrorReply as an Error with `code`, if the log-in is refused
 * @example
 * await using client = await connectWire({ url })
 * await client.query('select 1 as one')
 * // [{ type: 'columns', names: ['one'] }, { type: 'row', values: ['1'] }, { type: 'complete', tag: 'SELECT 1' },
 * //  { type: 'ready', status: 'I' }]
 */
export async function connectWire({ url, settings = {}, timeout = 10_000 }: WireOptions): Promise<WireClient> {
  const { hostname, port, username, password, pathname } = new URL(url)
  const host = decodeURIComponent(hostname)
  const socket = host.startsWith('/')
    ? connect(`${host}/.s.PGSQL.${port || 5432}`)
    : connect(Number(port || 5432), host)
  socket.setNoDelay(true)
  const stream = replyStream(socket, timeout)
  const user = decodeURIComponent(username)
  socket.write(startup({ user, database: decodeURIComponent(pathname.slice(1)) || user, ...settings }))

  const parameters = new Map<string, string>()
  const key = { processId: 0, secretKey: 0 }
  for (;;) {
    const { type, body } = await stream.next('the log-in')
    if (type === 'R') {
      const method = body.readInt32BE(0)
      if (method === 3) socket.write(encode({ send: 'password', password: decodeURIComponent(password) }))
      else if (method !== 0) throw new Error(`the server asks for authentication of kind ${method}`)
    } else if (type === 'K') Object.assign(key, { processId: body.readInt32BE(0), secretKey: body.readInt32BE(4) })
    else {
      const reply = decode(type, body)
      if (reply.type === 'parameter') parameters.set(reply.name, reply.value)
      if (reply.type === 'error') {
        socket.destroy()
        throw Object.assign(new Error(reply.message), reply)
      }
      if (reply.type === 'ready') break
    }
  }

  const client: WireClient = {
    parameters,
    ...key,
    query: text => client.exchange({ send: 'query', text }),
    exchange(...requests) {
      client.send(...requests)
      return client.receive('ready')
    },
    send: (...requests) => void socket.write(Buffer.concat(requests.map(encode))),
    write: bytes => void socket.write(bytes),
    async receive(...until) {
      const replies: Reply[] = []
      const stops: string[] = until.length > 0 ? until : ['ready']
      for (;;) {
        const { type, body } = await stream.next('a reply', replies)
        const reply = decode(type, body)
        if (reply.type === 'parameter') parameters.set(reply.name, reply.value)
        replies.push(reply)
        if (stops.includes(reply.type)) return replies
      }
    },
    ended: stream.ended,
    async close() {
      if (!socket.destroyed) socket.end(encode({ send: 'terminate' }))
      await stream.ended
    },
    vanish: () => void socket.destroy(),
    [Symbol.asyncDispose]: () => client.close(),
  }
  return client
}

/** StartupMessage of 3.0: pairs of texts, and one more zero. */
function startup(settings: Record<string, string>): Buffer {
  const pairs = Object.entries(settings).map(([name, value]) => `${name}\0${value}\0`)
  const body = Buffer.from(`${pairs.join('')}\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + 8, 0)
  head.writeInt32BE(3 << 16, 4)
  return Buffer.concat([head, body])
}

interface Message {
  type: string
  body: Buffer
}

/** The messages of a connection, one after the other. */
function replyStream(socket: Socket, timeout: number) {
  const inbox: Message[] = []
  let held: Buffer = Buffer.alloc(0)
  let over: Error | undefined
  let wake: (() => void) | undefined
  socket.on('data', chunk => {
    held = held.length > 0 ? Buffer.concat([held, chunk]) : chunk
    while (held.length >= 5 && held.length > held.readInt32BE(1)) {
      const end = held.readInt32BE(1) + 1
      inbox.push({ type: String.fromCharCode(held[0]!), body: held.subarray(5, end) })
      held = held.subarray(end)
    }
    wake?.()
  })
  socket.on('error', error => (over ??= error))
  const ended = new Promise<void>(resolve =>
    socket.on('close', () => {
      over ??= new Error('the server hung up')
      wake?.()
      resolve()
    }),
  )
  return {
    ended,
    async next(what: string, replies: Reply[] = []): Promise<Message> {
      if (inbox.length === 0 && !over) {
        await new Promise<void>(resolve => {
          const timer = setTimeout(() => wake?.(), timeout)
          wake = () => {
            clearTimeout(timer)
            wake = undefined
            resolve()
          }
        })
      }
      const message = inbox.shift()
      if (message) return message
      const reason = over?.message ?? `nothing came for ${timeout} ms`
      throw Object.assign(new Error(`${what} was waited for, but ${reason}`), { replies })
    },
  }
}

/** Messages without a body that a test looks at. */
const emptyReplies = {
  '1': 'parsed',
  '2': 'bound',
  '3': 'closed',
  n: 'noData',
  s: 'suspended',
  I: 'emptyQuery',
  G: 'copyIn',
  H: 'copyOut',
  c: 'copyDone',
} as const

function decode(type: string, body: Buffer): Reply {
  const reader = { at: 0 }
  const int16 = () => body.readInt16BE((reader.at += 2) - 2)
  const int32 = () => body.readInt32BE((reader.at += 4) - 4)
  const text = () => {
    const start = reader.at
    reader.at = body.indexOf(0, start) + 1
    return body.toString('utf8', start, reader.at - 1)
  }
  const bytes = (length: number) => body.toString('utf8', reader.at, (reader.at += length))
  const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make)

  switch (type) {
    case 'T': {
      const column = () => {
        const name = text()
        reader.at += 18 // the column's origin, type and format
        return name
      }
      return { type: 'columns', names: times(int16(), column) }
    }
    case 'D': {
      const value = () => {
        const length = int32()
        return length === -1 ? null : bytes(length)
      }
      return { type: 'row', values: times(int16(), value) }
    }
    case 'C':
      return { type: 'complete', tag: text() }
    case 'E':
      return { type: 'error', ...report(body) }
    case 'N':
      return { type: 'notice', ...report(body) }
    case 't':
      return { type: 'parameterTypes', oids: times(int16(), int32) }
    case 'S':
      return { type: 'parameter', name: text(), value: text() }
    case 'A':
      int32()
      return { type: 'notification', channel: text(), payload: text() }
    case 'd':
      return { type: 'copyData', text: body.toString() }
    case 'Z':
      return { type: 'ready', status: body.toString() as 'I' | 'T' | 'E' }
    default: {
      if (type in emptyReplies) return { type: emptyReplies[type as keyof typeof emptyReplies] }
      throw new Error(`the server sent a message of the unknown type ${JSON.stringify(type)}`)
    }
  }
}

/** The fields of an ErrorResponse or NoticeResponse; those that name the server's source are left out. */
function report(body: Buffer): Report {
  const fields = new Map(
    body
      .toString('utf8', 0, body.length - 1)
      .split('\0')
      .map(field => [field[0], field.slice(1)]),
  )
  const found: Report = {
    severity: fields.get('S') ?? '',
    code: fields.get('C') ?? '',
    message: fields.get('M') ?? '',
  }
  for (const [letter, name] of [
    ['D', 'detail'],
    ['H', 'hint'],
    ['P', 'position'],
  ] as const) {
    const value = fields.get(letter)
    if (value !== undefined) found[name] = value
  }
  return found
}
