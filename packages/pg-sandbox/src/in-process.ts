import { AsyncResource } from 'node:async_hooks'
import type { Socket, SocketConnectOpts } from 'node:net'
import { relative } from 'node:path'
import { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { net } from './builtins.js'

/**
 * Takes the other end of a connection.
 *
 * @param place where the code stands that has opened it: `src/db.ts:12:5`; undefined if that cannot be told
 */
type Welcome = (end: Duplex, place: string | undefined) => void

/** The endpoints of this process, by their ports. */
const endpoints = new Map<number, Welcome>()

/**
 * Answers the clients of this very process from memory: what would go through the kernel twice, and through the event loop
 * twice more, is handed over. For a small query that is most of what a sandbox costs. Clients of other processes are not
 * touched, and neither is any connection to another port.
 *
 * There is no way to be told of a connection before it is made. So while an endpoint is there, `net.Socket`'s `connect` is
 * ours; for all other addresses it does what it did.
 *
 * @returns ends it, for connections that are yet to come
 */
export function serveInProcess(port: number, welcome: Welcome): () => void {
  if (endpoints.size === 0) net.Socket.prototype.connect = connectHere
  endpoints.set(port, welcome)
  return () => {
    endpoints.delete(port)
    // Somebody else may have put a function of theirs around ours.
    if (endpoints.size === 0 && net.Socket.prototype.connect === connectHere) net.Socket.prototype.connect = connect
  }
}

const connect = net.Socket.prototype.connect

function connectHere(this: Socket, ...parameters: unknown[]): Socket {
  const { port, host, listener } = addressIn(parameters)
  const welcome = host === '127.0.0.1' && !('encrypted' in this) ? endpoints.get(port) : undefined
  if (!welcome) return Reflect.apply(connect, this, parameters)
  if (listener) this.once('connect', listener)
  join(this, welcome, callerPlace())
  return this
}

/** The innermost line that is neither a package's nor Node's. */
function callerPlace(): string | undefined {
  const { stackTraceLimit } = Error
  // A pool of an ORM is deep.
  Error.stackTraceLimit = 40
  const { stack = '' } = new Error()
  Error.stackTraceLimit = stackTraceLimit
  // Below the message, this function and connectHere.
  const places = stack
    .split('\n')
    .slice(3)
    .map(line => /((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/.exec(line)?.[1])
  const place = places.find(each => each !== undefined && !/^node:|[\\/]node_modules[\\/]/.test(each))
  if (place === undefined) return undefined
  return relative(process.cwd(), place.startsWith('file:') ? fileURLToPath(place) : place)
}

/** `connect(port, host, listener)`, `connect(options, listener)`, or what net.connect() has made of either: an array. */
function addressIn(parameters: unknown[]): { port: number; host: string; listener: (() => void) | undefined } {
  const all = Array.isArray(parameters[0]) ? (parameters[0] as unknown[]) : parameters
  const listener = all.find((parameter): parameter is () => void => typeof parameter === 'function')
  const [first, second] = all
  const { port, host } =
    typeof first === 'object' && first !== null
      ? (first as Partial<Extract<SocketConnectOpts, { port: number }>>)
      : { port: first as number, host: typeof second === 'string' ? second : undefined }
  return { port: Number(port), host: host ?? 'localhost', listener }
}

/** The parts of a socket that stand between its stream and the system. */
interface Insides {
  connecting: boolean
  _read(): void
  _write(chunk: Buffer | string, encoding: BufferEncoding, callback: () => void): void
  _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], callback: () => void): void
  _final(callback: () => void): void
  ref(): Socket
  unref(): Socket
}

/** Makes of a socket that is not connected one end of a pair, and hands the other end over. */
function join(socket: Socket, welcome: Welcome, place: string | undefined): void {
  // A socket's events come in the context in which it was connected, and so do AsyncLocalStorage's values.
  const context = new AsyncResource('PostgresSandboxConnection')
  /** Each is called once the other side wants more. */
  let clientWaits: (() => void) | undefined
  let endWaits: (() => void) | undefined

  const end = new Duplex({
    // As for a socket of a server: whoever says no more is answered no more.
    allowHalfOpen: false,
    read() {
      const goOn = clientWaits
      clientWaits = undefined
      goOn?.()
    },
    write(chunk: Buffer, _, callback) {
      if (socket.destroyed || context.runInAsyncScope(() => socket.push(chunk))) callback()
      else endWaits = callback
    },
    final(callback) {
      if (!socket.destroyed) context.runInAsyncScope(() => socket.push(null))
      callback()
    },
    destroy(error, callback) {
      socket.destroy()
      callback(error)
    },
  })

  function hand(bytes: Buffer, callback: () => void): void {
    if (end.destroyed || end.push(bytes)) callback()
    else clientWaits = callback
  }
  const own: Partial<Insides> = {
    _read() {
      const goOn = endWaits
      endWaits = undefined
      goOn?.()
    },
    _write: (chunk, encoding, callback) => hand(bytesOf(chunk, encoding), callback),
    _writev: (chunks, callback) =>
      hand(Buffer.concat(chunks.map(({ chunk, encoding }) => bytesOf(chunk, encoding))), callback),
    _final(callback) {
      if (!end.destroyed) end.push(null)
      callback()
    },
    // Node's would wait for a connection of the system, with one listener more at each call, and pools call them often.
    ref: () => socket,
    unref: () => socket,
  }
  const insides = Object.assign(socket as unknown as Insides, own)
  socket.once('close', () => end.destroy())

  insides.connecting = true
  process.nextTick(() => {
    if (socket.destroyed) return
    insides.connecting = false
    welcome(end, place)
    context.runInAsyncScope(() => {
      socket.emit('connect')
      socket.emit('ready')
    })
    socket.read(0)
  })
}

function bytesOf(chunk: Buffer | string, encoding: BufferEncoding): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
}
