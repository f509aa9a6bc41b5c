import type { Duplex } from 'node:stream'
import { later } from './clock.js'
import type { DirectSession } from './direct-session.js'
import { drained } from './drained.js'
import { FrameError, frameReader, type Frame } from './frames.js'
import type { TransactionStatus } from './messages.js'
import type { Notification } from './notifications.js'
import type { Modes } from './statements.js'
import { openPrepared, type Prepared } from './prepared.js'
import type { Savepoint } from './savepoints.js'

/** A client that has logged in: its connection, and what belongs to it and to no other. */
export interface Member {
  /** For errors: `client 3 (psql, port 53412)`, `client 4 (opened at src/db.ts:12:5)`. */
  readonly label: string
  readonly processId: number
  /** Where it believes to be. */
  status: TransactionStatus
  /** Whether its transaction has run something, so that it has the turn. */
  started: boolean
  /** Whether its transaction is only that of the statements of one text (manual, section 54.2.2.1). */
  implicit: boolean
  /** Of its transaction. */
  modes: Modes
  /** Its latest statement, whole. */
  lastText: string
  /** What it asked for at its start-up: RESET goes back to it. */
  readonly initial: Map<string, string>
  /** Parameters that it has set for its session, and their values. */
  readonly settings: Map<string, string>
  /** Parameters whose values may have changed since they were last read. */
  readonly touched: Set<string>
  /** Parameters that are set until the end of its transaction, with the values that come back then. */
  readonly locals: Map<string, string | null>
  /** Of its transaction, the newest last. */
  readonly savepoints: Savepoint[]
  /** Cursors of DECLARE that end with its transaction. */
  readonly cursors: Set<string>
  /** Temporary tables that it has made, by their oid. */
  readonly temporary: Map<string, 'keep' | 'empty' | 'drop'>
  /** Cursors WITH HOLD, and the server's names for them: other clients may have some of the same name. */
  readonly holdCursors: Map<string, string>
  /** Those of them that its unit has declared, so that a rollback takes them. */
  readonly heldInUnit: Set<string>
  readonly prepared: Prepared
  /** On which it listens, and the depth of the scope in which it began to. */
  readonly channels: Map<string, number>
  /** What it wants to tell at its COMMIT. */
  readonly notifications: Notification[]
  /** Its batch is being cut short, because others want the session. */
  settling: Promise<void> | undefined
  /** Its own session, while it talks to a database directly. */
  direct: DirectSession | undefined
  /** Why its transaction is gone; its next statement fails with it. */
  orphaned: { scope: string; statement: string } | undefined
  /** The parameters that it was told of, by ParameterStatus. */
  readonly reported: Map<string, string>
  /** Up to which change of the session it was told. */
  reportedChange: number
  /** Whether a message of a batch has failed, so that the rest is skipped up to its Sync. */
  skipping: boolean
  /** Whether its messages are the data of a COPY. */
  feeding: boolean
  /** Whether its statement is to end: what it does not read is kept in its connection, and slows nobody down. */
  hurried: boolean
  /** Whether a Sync is to come that was answered already. */
  owesSync: boolean
  /** Hands bytes to the client; all that is sent in one go leaves in one packet. */
  send(bytes: Buffer): void
  /** The next message; undefined once the client is gone. */
  next(): Promise<Frame | undefined> | Frame | undefined
  /** As if the client had sent this, ahead of what waits. */
  interrupt(frame: Frame): void
  /** Resolves when the client has taken what it was sent, or is gone. */
  taken(): Promise<void> | undefined
  readonly gone: boolean
  /** Whether it has been answered, and says nothing. */
  readonly resting: boolean
  /** Sends what is left and hangs up. */
  end(): void
}

let lastId = 0

/** How many bytes of a client may wait here, before it is not read from for a while. */
const mostWaiting = 1 << 20

/**
 * @param onBadFrame is told once of a stream that is no protocol; the client is not read from any more
 */
export function openMember(
  socket: Duplex,
  rest: Buffer,
  options: {
    user: string
    application: string
    origin: string
    processId: number
    onBadFrame(member: Member, reason: string): void
  },
): Member {
  const id = ++lastId
  const inbox: Frame[] = []
  let waitingBytes = 0
  let wake: ((frame: Frame | undefined) => void) | undefined
  let outbox: Buffer[] = []
  let taking: Promise<void> | undefined
  let isGone = false

  const read = frameReader(
    frame => {
      if (wake) {
        const deliver = wake
        wake = undefined
        deliver(frame)
        return
      }
      inbox.push(frame)
      waitingBytes += frame.bytes.length
      if (waitingBytes > mostWaiting) socket.pause()
    },
    // The server hangs up, on all clients, if one of these is longer.
    { short: 'CDEHSXcf' },
  )
  const take = (chunk: Buffer) => {
    try {
      read(chunk)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      socket.removeListener('data', take)
      later(() => options.onBadFrame(member, error.message))
    }
  }
  const leave = () => {
    isGone = true
    wake?.(undefined)
    wake = undefined
  }
  socket.on('data', take)
  socket.on('close', leave)
  socket.on('end', leave)
  function flush(): void {
    const bytes = outbox
    outbox = []
    if (isGone || socket.destroyed) return
    socket.write(bytes.length === 1 ? bytes[0]! : Buffer.concat(bytes))
  }

  const member: Member = {
    label: `client ${id} (${[options.application, options.origin].filter(Boolean).join(', ')})`,
    processId: options.processId,
    status: 'I',
    started: false,
    implicit: false,
    modes: {},
    lastText: '',
    initial: new Map(),
    settings: new Map(),
    touched: new Set(),
    locals: new Map(),
    savepoints: [],
    cursors: new Set(),
    temporary: new Map(),
    holdCursors: new Map(),
    heldInUnit: new Set(),
    prepared: openPrepared(`s${id}_`),
    channels: new Map(),
    notifications: [],
    settling: undefined,
    direct: undefined,
    orphaned: undefined,
    reported: new Map(),
    reportedChange: 0,
    skipping: false,
    feeding: false,
    hurried: false,
    owesSync: false,
    send(bytes) {
      if (outbox.length === 0) later(flush)
      outbox.push(bytes)
    },
    next() {
      const frame = inbox.shift()
      if (frame) {
        waitingBytes -= frame.bytes.length
        if (waitingBytes <= mostWaiting / 2 && socket.isPaused()) socket.resume()
        return frame
      }
      if (isGone) return undefined
      return new Promise(resolve => (wake = resolve))
    },
    interrupt(frame) {
      const deliver = wake ?? ((first: Frame) => void inbox.unshift(first))
      wake = undefined
      deliver(frame)
    },
    taken() {
      if (!socket.writableNeedDrain || isGone || member.hurried) return undefined
      return (taking ??= drained(socket).finally(() => (taking = undefined)))
    },
    get gone() {
      return isGone
    },
    get resting() {
      return wake !== undefined && outbox.length === 0
    },
    end() {
      if (outbox.length > 0) flush()
      socket.end()
    },
  }
  if (rest.length > 0) take(rest)
  return member
}

/**
 * What a session had of a client is gone with it. Statements that were prepared by messages are prepared again when they are
 * used, and settings are made again.
 */
export function forgetSession(member: Member): void {
  const { statements, openPortals, controlPortals } = member.prepared
  for (const [name, { scope }] of statements) if (scope !== undefined) statements.delete(name)
  const gone = [openPortals, controlPortals, member.cursors, member.holdCursors, member.heldInUnit]
  for (const names of [...gone, member.temporary]) names.clear()
  member.reportedChange = -1
}

/** `clear()` makes a new table, also of what is empty. */
export function empty(names: Map<unknown, unknown> | Set<unknown>): void {
  if (names.size > 0) names.clear()
}

/** A client's latest statement, for messages. */
export function lastStatement({ lastText }: Member): string {
  return shortened(lastText) || 'BEGIN'
}

/** A statement's text for messages: one line. */
export function shortened(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ')
  return line.length > 120 ? `${line.slice(0, 117)}...` : line
}
