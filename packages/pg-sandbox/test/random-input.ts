/** A whole number from 0 up to, and without, `below`. */
export type Random = (below: number) => number

interface LogIn {
  user: string
  database: string
  password: string
}

/**
 * What a client might send that is broken, malicious or of another protocol: half of them before the log-in, half of them
 * behind a good one.
 */
export function randomInput(random: Random, login: LogIn): { bytes: Buffer[]; hangsUp: boolean } {
  const bytes = random(2) === 0 ? [beforeLogIn(random, login)] : [startup(login), password(login), afterLogIn(random)]
  return { bytes: random(4) === 0 ? inPieces(random, Buffer.concat(bytes)) : bytes, hangsUp: random(3) === 0 }
}

function beforeLogIn(random: Random, login: LogIn): Buffer {
  switch (random(6)) {
    case 0:
      return randomBytes(random, 64)
    case 1:
      return damaged(random, startup(login))
    case 2:
      return Buffer.concat([startup(login), password({ ...login, password: 'wrong' })])
    case 3:
      return Buffer.concat([startup({ ...login, user: '' }), randomBytes(random, 20)])
    case 4:
      return Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    default:
      return Buffer.concat([int32(8), int32([80_877_103, 80_877_104, 80_877_102][random(3)]!), startup(login)])
  }
}

const types = ['Q', 'P', 'B', 'D', 'E', 'C', 'S', 'H', 'F', 'd', 'c', 'f', 'X', 'p', 'Z', '\0', '\xff']
const texts = [
  'select 1',
  'begin',
  'commit',
  'rollback and chain',
  'savepoint a',
  'insert into item values (2, $1)',
  'delete from item where id = 999',
  'copy item from stdin',
  'copy item to stdout',
  "select set_config('search_path', 'nowhere', false)",
  'set role nobody',
  'prepare a as select 1',
  'deallocate all',
  'discard all',
  'declare c cursor for select 1',
  'begin; create table gone (); drop table gone; commit',
  'listen x; notify x',
  'selec',
  '',
  ';;',
  '\u{1f331} ünï',
]

/** Some messages, of which some are damaged. All that they write goes to a transaction that is never committed. */
function afterLogIn(random: Random): Buffer {
  const opening = frame('Q', 'begin')
  const messages = Array.from({ length: 1 + random(5) }, () => {
    const text = texts[random(texts.length)]!
    const sound = random(2) === 0 ? frame('Q', text) : extended(random, text)
    return random(2) === 0 ? sound : damaged(random, sound)
  })
  return Buffer.concat([opening, ...messages])
}

function extended(random: Random, text: string): Buffer {
  const name = ['', 'a', 'b'][random(3)]!
  const all = [
    frame('P', name, text, Buffer.from([0, 0])),
    frame('B', name, name, Buffer.from([0, 0, 0, 0, 0, 0])),
    frame('D', Buffer.from('P'), name),
    frame('E', name, int32(random(3))),
    frame('S'),
  ]
  return Buffer.concat(all.filter(() => random(5) > 0))
}

function damaged(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  switch (random(5)) {
    case 0:
      return copy.subarray(0, random(copy.length))
    case 1:
      if (copy.length > 4)
        copy.writeInt32BE([0, -1, 3, 5, 0x7fffffff, random(2 ** 31)][random(6)]!, copy.length > 5 ? 1 : 0)
      return copy
    case 2:
      if (copy.length > 0) copy[random(copy.length)] = random(256)
      return copy
    case 3:
      return frame(types[random(types.length)]!, randomBytes(random, 40))
    default:
      return Buffer.concat([copy, randomBytes(random, 30)])
  }
}

function inPieces(random: Random, bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let start = 0; start < bytes.length;) {
    const end = start + 1 + random(20)
    pieces.push(bytes.subarray(start, end))
    start = end
  }
  return pieces
}

function startup({ user, database }: LogIn): Buffer {
  const body = Buffer.from(`user\0${user}\0database\0${database}\0\0`)
  return Buffer.concat([int32(body.length + 8), int32(196_608), body])
}

const password = (login: LogIn) => frame('p', login.password)

function frame(type: string, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part)))
  return Buffer.concat([Buffer.from(type, 'latin1'), int32(body.length + 4), body])
}

function int32(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(number | 0)
  return bytes
}

function randomBytes(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random(most) }, () => random(256)))
}
