/** What a client can send. Plain data, so that a test can print what it did. */
export type Request =
  | { send: 'query'; text: string }
  | { send: 'parse'; statement: string; text: string }
  | { send: 'bind'; portal: string; statement: string; values: (string | null)[] }
  | { send: 'describe'; what: 'statement' | 'portal'; name: string }
  | { send: 'execute'; portal: string; rows: number }
  | { send: 'close'; what: 'statement' | 'portal'; name: string }
  | { send: 'sync' }
  | { send: 'flush' }
  | { send: 'copyData'; text: string }
  | { send: 'copyDone' }
  | { send: 'copyFail'; reason: string }
  | { send: 'password'; password: string }
  | { send: 'terminate' }

/** The short way to write them; what is not said is unnamed, and all rows are wanted. */
export const parse = (text: string, statement = ''): Request => ({ send: 'parse', statement, text })
export const bind = (
  values: (string | null)[] = [],
  { portal = '', statement = '' }: { portal?: string; statement?: string } = {},
): Request => ({ send: 'bind', portal, statement, values })
export const describe = (what: 'statement' | 'portal', name = ''): Request => ({ send: 'describe', what, name })
export const execute = ({ portal = '', rows = 0 }: { portal?: string; rows?: number } = {}): Request => ({
  send: 'execute',
  portal,
  rows,
})
export const close = (what: 'statement' | 'portal', name = ''): Request => ({ send: 'close', what, name })
export const sync: Request = { send: 'sync' }
export const flush: Request = { send: 'flush' }

/** The bytes of a message (manual, section 54.7, Message Formats). Values and results are in text format. */
export function encode(request: Request): Buffer {
  switch (request.send) {
    case 'query':
      return message('Q', text(request.text))
    case 'parse':
      return message('P', text(request.statement), text(request.text), int16(0))
    case 'bind': {
      const values = request.values.map(value => {
        if (value === null) return int32(-1)
        const bytes = Buffer.from(value)
        return Buffer.concat([int32(bytes.length), bytes])
      })
      return message(
        'B',
        text(request.portal),
        text(request.statement),
        int16(0),
        int16(values.length),
        ...values,
        int16(0),
      )
    }
    case 'describe':
      return message('D', target(request))
    case 'execute':
      return message('E', text(request.portal), int32(request.rows))
    case 'close':
      return message('C', target(request))
    case 'sync':
      return message('S')
    case 'flush':
      return message('H')
    case 'copyData':
      return message('d', Buffer.from(request.text))
    case 'copyDone':
      return message('c')
    case 'copyFail':
      return message('f', text(request.reason))
    case 'password':
      return message('p', text(request.password))
    default:
      return message('X') // terminate
  }
}

/** A message of any type with any body; only its length is made here. */
function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type, 'latin1'), int32(body.length + 4), body])
}

function target({ what, name }: { what: 'statement' | 'portal'; name: string }): Buffer {
  return Buffer.concat([Buffer.from(what === 'statement' ? 'S' : 'P'), text(name)])
}

const text = (value: string) => Buffer.from(`${value}\0`)

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
