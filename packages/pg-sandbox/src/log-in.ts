import { randomInt, timingSafeEqual } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { clearTimer, setTimer } from './clock.js'
import { int32, message, report } from './messages.js'

/** What a client says at its start-up. */
export interface Greeting {
  user: string
  /** All that it wants to be set: `application_name`, `client_encoding`, `TimeZone`, those of `options`, … */
  settings: Map<string, string>
  /** What came behind the start-up already. */
  rest: Buffer
}

export interface LogIn {
  password: string
  /** The database that the sandbox is of. */
  database: string
  users: ReadonlySet<string>
  /** Called for a CancelRequest, which is a connection of its own. */
  onCancel(processId: number, secretKey: number): void
}

/** PostgreSQL's own, MAX_STARTUP_PACKET_LENGTH. */
const longestStartup = 10_000
/** A client that says nothing is hung up on; PostgreSQL's authentication_timeout is a minute. */
const patience = 60_000

const codes = { ssl: 80_877_103, gss: 80_877_104, cancel: 80_877_102, direct: 0x16 }

/**
 * Takes a connection through its start-up: refuses encryption (the endpoint is on loopback only), asks for the password,
 * and reads what the client wants to be set. A connection that is no good is told why, as a server does, and closed.
 *
 * @returns undefined for a connection that is over: a CancelRequest, a wrong password, nonsense, silence
 */
export function logIn(socket: Duplex, options: LogIn): Promise<Greeting | undefined> {
  return new Promise(resolve => {
    let held: Buffer = Buffer.alloc(0)
    let greeting: Omit<Greeting, 'rest'> | undefined
    const timer = setTimer(() => done(undefined), patience)
    timer.unref()

    function done(result: Greeting | undefined): void {
      clearTimer(timer)
      socket.removeListener('data', take)
      socket.removeListener('close', gone)
      if (!result) socket.end()
      resolve(result)
    }
    const gone = () => done(undefined)
    function refuse(code: string, text: string): void {
      socket.write(report({ severity: 'FATAL', code, message: text }))
      done(undefined)
    }
    function take(chunk: Buffer): void {
      held = held.length > 0 ? Buffer.concat([held, chunk]) : chunk
      for (;;) {
        const before = held
        if (greeting) {
          if (!checkPassword()) return
        } else if (!readStartup()) return
        if (held === before) return
      }
    }

    /** Whether there may be more to read. */
    function readStartup(): boolean {
      // A TLS hello without asking first.
      if (held[0] === codes.direct) return (done(undefined), false)
      if (held.length < 8) return false
      const length = held.readInt32BE(0)
      if (length < 8 || length > longestStartup) return (refuse('08P01', 'invalid length of startup packet'), false)
      if (held.length < length) return false
      const packet = held.subarray(4, length)
      held = held.subarray(length)
      const code = packet.readInt32BE(0)
      if (code === codes.ssl || code === codes.gss) {
        socket.write('N')
        return true
      }
      if (code === codes.cancel) {
        if (packet.length >= 12) options.onCancel(packet.readInt32BE(4), packet.readInt32BE(8))
        return (done(undefined), false)
      }
      const [major, minor] = [code >>> 16, code & 0xffff]
      if (major !== 3) {
        refuse('0A000', `unsupported frontend protocol ${major}.${minor}: server supports 3.0 to 3.2`)
        return false
      }
      const asked = readSettings(packet.subarray(4))
      if (!asked) return (refuse('08P01', 'invalid startup packet layout: expected terminator as last byte'), false)
      return greet(asked, minor)
    }

    function greet(asked: Map<string, string>, minor: number): boolean {
      const user = asked.get('user')
      if (!user) return (refuse('28000', 'no PostgreSQL user name specified in startup packet'), false)
      const database = asked.get('database') ?? user
      if (database !== options.database) {
        refuse('3D000', `this sandbox is of the database "${options.database}"; there is no "${database}" in it`)
        return false
      }
      if (asked.has('replication')) return (refuse('0A000', 'a sandbox has no replication connections'), false)
      const unknown = [...asked.keys()].filter(name => name.startsWith('_pq_.'))
      for (const name of ['user', 'database', 'replication', ...unknown]) asked.delete(name)
      const settings = withOptions(asked)
      greeting = { user, settings }
      // 3.2 allows for longer cancel keys, and there is no 3.1 (manual, section 54.2).
      if (minor === 1 || minor > 2 || unknown.length > 0) socket.write(negotiate(minor < 2 ? 0 : 2, unknown))
      socket.write(message('R', int32(3)))
      return true
    }

    /** PasswordMessage: `p`. */
    function checkPassword(): boolean {
      if (held.length < 5) return false
      const length = held.readInt32BE(1) + 1
      if (held[0] !== 0x70 || length < 6 || length > longestStartup) {
        return (refuse('08P01', 'expected password response'), false)
      }
      if (held.length < length) return false
      const given = held.subarray(5, length - 1)
      held = held.subarray(length)
      const { user } = greeting!
      if (!options.users.has(user) || !isEqual(given, Buffer.from(options.password))) {
        return (refuse('28P01', `password authentication failed for user "${user}"`), false)
      }
      done({ ...greeting!, rest: held })
      return false
    }

    socket.on('data', take)
    socket.on('close', gone)
  })
}

function isEqual(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

/** NegotiateProtocolVersion: the version to speak, and the options of the protocol that are not known. */
function negotiate(minor: number, unknown: string[]): Buffer {
  return message('v', int32((3 << 16) | minor), int32(unknown.length), ...unknown)
}

/** Pairs of texts and one more zero. */
function readSettings(bytes: Buffer): Map<string, string> | undefined {
  if (bytes.at(-1) !== 0) return undefined
  const texts = bytes
    .toString('utf8', 0, bytes.length - 1)
    .split('\0')
    .slice(0, -1)
  if (texts.length % 2 !== 0) return undefined
  const settings = new Map<string, string>()
  for (let index = 0; index < texts.length; index += 2) settings.set(texts[index]!, texts[index + 1]!)
  return settings
}

/** `options` holds arguments as on the server's command line: `-c name=value` or `--name=value`. */
function withOptions(asked: Map<string, string>): Map<string, string> {
  const text = asked.get('options') ?? ''
  asked.delete('options')
  const words = text.match(/(?:\\.|[^\s\\])+/g)?.map(word => word.replaceAll(/\\(.)/g, '$1')) ?? []
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    const pair = word === '-c' ? words[++index] : /^(?:-c|--)(.+)/.exec(word)?.[1]
    const found = /^([^=]+)=(.*)$/s.exec(pair ?? '')
    if (found) asked.set(found[1]!.replaceAll('-', '_'), found[2]!)
  }
  return asked
}

/** What a client needs to cancel; unguessable. */
export function newKey(): number {
  return randomInt(1, 0x7fffffff)
}
