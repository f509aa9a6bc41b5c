import { message, textAt } from './messages.js'
import type { ServerSession } from './server-session.js'
import type { Meaning } from './statements.js'

/** A statement that a client has prepared by a Parse message. */
export interface PreparedStatement {
  text: string
  /** Undefined where it is the server's affair. */
  meaning: Meaning | undefined
  /** The Parse message with the server's name in it; empty where the server never sees it. */
  parse: Buffer
  serverName: string
  /** The session that has it; undefined until its Parse was sent. In another session it has to be prepared again. */
  session?: ServerSession
  /** The depth of the scope in which it was made by SQL's PREPARE; undefined where messages have prepared it. */
  scope?: number
}

/**
 * A client's names for prepared statements and portals, and the server's for the same: all clients share one session,
 * and two of them may use one name. The unnamed statement and portal stay unnamed, since each use replaces them; the
 * owner of the unnamed statement is kept elsewhere.
 */
export interface Prepared {
  statements: Map<string, PreparedStatement>
  /** Server names of statements that are closed at the end of what is being run, and the client's. */
  closing: Map<string, string>
  /** Portals of statements that the server never sees. */
  controlPortals: Map<string, PreparedStatement & { done: boolean }>
  /** Portals whose statement is looked at before it runs. */
  observedPortals: Map<string, Meaning>
  /** The server's names of portals that are open. */
  openPortals: Set<string>
  /** The server's name for a new statement. */
  newStatement(name: string): string
  portal(name: string): string
  cursor(name: string): string
  /**
   * The server's name of the unnamed portal: unnamed too, unless it is read in portions. Then others may use the session
   * meanwhile, and would replace it.
   */
  unnamedPortal: string
  nameUnnamedPortal(): void
}

export function openPrepared(prefix: string): Prepared {
  let made = 0
  const prepared: Prepared = {
    statements: new Map(),
    closing: new Map(),
    controlPortals: new Map(),
    observedPortals: new Map(),
    openPortals: new Set(),
    newStatement: name => (name === '' ? '' : `${prefix}${++made}`),
    // PostgreSQL cuts names at 63 bytes, and so does this, so that two long names are the same to both.
    portal: name =>
      name === '' ? prepared.unnamedPortal : `${prefix}p_${Buffer.from(name).subarray(0, 40).toString('latin1')}`,
    cursor: name => `${prefix}h_${Buffer.from(name).subarray(0, 40).toString('latin1')}`,
    unnamedPortal: '',
    nameUnnamedPortal() {
      prepared.unnamedPortal = `${prefix}u`
    },
  }
  return prepared
}

/** Forgets these statements, and returns what closes them on the server. */
export function closeMessages({ statements }: Prepared, names: string[]): Buffer[] {
  const serverNames = names.map(name => statements.get(name)?.serverName)
  for (const name of names) statements.delete(name)
  return serverNames.filter(Boolean).map(serverName => closeMessage('S', serverName!))
}

/** Parse: the statement's name, its text, the types of its parameters. */
export function readParse(bytes: Buffer): { name: string; text: string; types: Buffer } {
  const name = mustBeTextAt(bytes, 5)
  const text = mustBeTextAt(bytes, name.end)
  return { name: name.text, text: text.text, types: bytes.subarray(text.end) }
}

/** Bind: the portal's name, the statement's, and the rest. */
export function readBind(bytes: Buffer): { portal: string; statement: string; rest: Buffer } {
  const portal = mustBeTextAt(bytes, 5)
  const statement = mustBeTextAt(bytes, portal.end)
  return { portal: portal.text, statement: statement.text, rest: bytes.subarray(statement.end) }
}

/** Describe and Close: `S` for a statement or `P` for a portal, and its name. */
export function readTarget(bytes: Buffer): { kind: 'S' | 'P'; name: string } {
  const kind = String.fromCharCode(bytes[5] ?? 0)
  if (kind !== 'S' && kind !== 'P') throw protocolViolation()
  return { kind, name: mustBeTextAt(bytes, 6).text }
}

/** Execute: the portal's name, and the most rows that are wanted (0: all). */
export function readExecute(bytes: Buffer): { portal: string; rows: Buffer } {
  const portal = mustBeTextAt(bytes, 5)
  return { portal: portal.text, rows: bytes.subarray(portal.end) }
}

/** How many parameters a Bind has. */
export function parametersIn(rest: Buffer): number {
  const at = 2 + rest.readInt16BE(0) * 2
  return rest.readInt16BE(at)
}

/** The parameters of a Bind that came as text; undefined for null and for those in binary. */
export function textParameters(rest: Buffer): (string | undefined)[] {
  let at = 0
  const int16 = () => {
    at += 2
    return rest.readInt16BE(at - 2)
  }
  const formats = Array.from({ length: int16() }, int16)
  return Array.from({ length: int16() }, (_, index) => {
    const length = rest.readInt32BE(at)
    at += 4
    if (length === -1) return undefined
    const bytes = rest.subarray(at, at + length)
    at += length
    const format = formats.length === 1 ? formats[0] : formats[index]
    // The binary form of a text is the text.
    return format === 1 && bytes.includes(0) ? undefined : bytes.toString()
  })
}

function mustBeTextAt(bytes: Buffer, start: number): { text: string; end: number } {
  const found = textAt(bytes, start)
  if (!found) throw protocolViolation()
  return found
}

const protocolViolation = () => Object.assign(new Error('invalid message format'), { code: '08P01' })

export const parseMessage = (name: string, text: string, types: Buffer) => message('P', name, text, types)
export const bindMessage = (portal: string, statement: string, rest: Buffer) => message('B', portal, statement, rest)
export const describeMessage = (kind: 'S' | 'P', name: string) => message('D', Buffer.from(kind), name)
export const closeMessage = (kind: 'S' | 'P', name: string) => message('C', Buffer.from(kind), name)
export const executeMessage = (portal: string, rows: Buffer) => message('E', portal, rows)

/** The end of a Parse that says nothing of its parameters' types. */
export const noParameters = Buffer.from([0, 0])

/** Runs a prepared statement that has no parameters, in the unnamed portal. */
export function runPrepared(name: string): Buffer[] {
  return [bindMessage('', name, Buffer.alloc(6)), executeMessage('', Buffer.alloc(4))]
}
