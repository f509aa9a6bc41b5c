/** Writes a message: its type and a body of strings that end with a zero, or bytes. */
export function message(type: string, ...parts: (string | Buffer)[]): Buffer {
  let length = 4
  for (const part of parts) length += typeof part === 'string' ? Buffer.byteLength(part) + 1 : part.length
  const bytes = Buffer.allocUnsafe(length + 1)
  bytes[0] = type.charCodeAt(0)
  let at = bytes.writeInt32BE(length, 1)
  for (const part of parts) {
    if (typeof part !== 'string') at += part.copy(bytes, at)
    else at = bytes.writeUInt8(0, at + bytes.write(part, at))
  }
  return bytes
}

export function int32(number: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(number)
  return bytes
}

/** Where a client believes to be: outside of a transaction, in one, in one that has failed. */
export type TransactionStatus = 'I' | 'T' | 'E'

export const query = (sql: string) => message('Q', sql)
export const sync = message('S')
export const commandComplete = (tag: string) => message('C', tag)
export const parseComplete = message('1')
export const bindComplete = message('2')
export const closeComplete = message('3')
export const noData = message('n')
export const emptyQueryResponse = message('I')

const ready = {
  I: message('Z', Buffer.from('I')),
  T: message('Z', Buffer.from('T')),
  E: message('Z', Buffer.from('E')),
}
export const readyForQuery = (status: TransactionStatus) => ready[status]

/** The fields of an ErrorResponse or NoticeResponse that are written here (manual, section 54.8). */
export interface Report {
  severity: 'ERROR' | 'FATAL' | 'WARNING'
  /** SQLSTATE. */
  code: string
  message: string
  detail?: string | undefined
  hint?: string | undefined
}

/** An ErrorResponse, or for a warning a NoticeResponse. */
export function report({ severity, code, message: text, detail, hint }: Report): Buffer {
  const fields = [`S${severity}`, `V${severity}`, `C${code}`, `M${text}`]
  if (detail !== undefined) fields.push(`D${detail}`)
  if (hint !== undefined) fields.push(`H${hint}`)
  return message(severity === 'WARNING' ? 'N' : 'E', ...fields, Buffer.alloc(1))
}

/** The fields of an ErrorResponse or NoticeResponse, by their letter. */
export function reportFields(bytes: Buffer): Map<string, string> {
  const fields = new Map<string, string>()
  let start = 5
  while (start < bytes.length && bytes[start] !== 0) {
    const end = bytes.indexOf(0, start + 1)
    if (end === -1) break
    fields.set(String.fromCharCode(bytes[start]!), bytes.toString('utf8', start + 1, end))
    start = end + 1
  }
  return fields
}

/** The same message with these fields instead. */
export function withFields(bytes: Buffer, fields: Map<string, string>): Buffer {
  const parts = [...fields].map(([letter, text]) => `${letter}${text}`)
  return message(String.fromCharCode(bytes[0]!), ...parts, Buffer.alloc(1))
}

/** A zero-terminated text in a message, and where it ends (behind the zero). Without its zero, it is not one. */
export function textAt(bytes: Buffer, start: number): { text: string; end: number } | undefined {
  const zero = bytes.indexOf(0, start)
  return zero === -1 ? undefined : { text: bytes.toString('utf8', start, zero), end: zero + 1 }
}
