import { now } from './clock.js'
import { drained } from './drained.js'
import { noMoreData } from './feed-copy.js'
import { FrameError, frameReader, type Frame } from './frames.js'
import { logInToServer } from './log-in-to-server.js'
import type { Member } from './member.js'
import { query, reportFields, sync, type TransactionStatus } from './messages.js'
import { frameCollector } from './replies.js'
import { count, countFailure, countTime, remember } from './counting.js'
import { letGo, slowDown } from './pace.js'
import type { Shared } from './shared.js'
import { parseMessage, readParse, readTarget } from './prepared.js'

/** A session on the server that is one client's: its messages go there as they are, and so do the answers. */
export interface DirectSession {
  /** Of its database. */
  readonly url: string
  /** Whether the client waits for nothing, and is in no transaction: what it says next may go elsewhere. */
  atRest(): boolean
  /** Whether it waits for an answer. */
  busy(): boolean
  /** Where the server says that it is. */
  status(): TransactionStatus
  /** Whether it is amid messages of the extended protocol, whose Sync has not come. */
  unsynced(): boolean
  forward(frame: Frame): Promise<void> | undefined
  /** Runs statements of ours, while the client waits for nothing. */
  run(sql: string): Promise<(string | null)[][][]>
  /** Prepares what its client has prepared elsewhere. Errors matter to nobody. */
  prepare(statements: { name: string; text: string; types: Buffer }[]): Promise<void>
  /** Statements that the client has prepared here by messages, by its names. */
  readonly parsed: ReadonlyMap<string, { text: string; types: Buffer }>
  /**
   * Whether it may take session locks: something that it was given names them. It stays so, for what is prepared is run again without its text.
   */
  takesLocks(): boolean
  /** Whether it may have set a parameter or a role, in the same way. */
  hasSet(): boolean
  /** Parameters with a dot in their name that it may have set; no view lists them. */
  readonly customParameters: ReadonlySet<string>
  cancel(): Promise<void>
  /** Ends what it runs, whether the client reads the answer or not. */
  hasten(): Promise<void>
  /** What it runs comes to its end before. */
  close(): Promise<void>
}

export interface OpenDirectSession {
  url: string
  whenFull?: string | undefined
  findProblem?: string | undefined
  /** The server has hung up on it, and has said this. */
  onLost(session: DirectSession, lastWords: Buffer | undefined): void
}

/** @throws SandboxError CONNECTION_FAILED, DATABASE_CHANGED */
export async function openDirectSession(
  shared: Shared,
  member: Member,
  { url, whenFull, findProblem, onLost }: OpenDirectSession,
): Promise<DirectSession> {
  const config = { options: asOptions(member.initial), application_name: member.initial.get('application_name') }
  const loggedIn = await logInToServer(url, { whenFull, findProblem, config })
  const { stream, cancel, farewell } = loggedIn
  const parsed = new Map<string, { text: string; types: Buffer }>()
  const customParameters = new Set<string>()
  let status: TransactionStatus = 'I'
  /** How many ReadyForQuery are to come. */
  let awaited = 0
  let unsynced = false
  /** The server takes data, and looks at no Sync. */
  let copying = false
  let isExtended = false
  let began = 0
  let lastWords: Buffer | undefined
  let ended = false
  let takesLocks = false
  let hasSet = false
  let movesSequences = false
  /** Takes what the server answers to statements of ours. */
  let own: { frame(frame: Frame): void; part(bytes: Buffer): void } | undefined

  const read = frameReader(
    frame => {
      if (own && !/[ANS]/.test(frame.type)) return own.frame(frame)
      switch (frame.type) {
        case 'Z':
          status = String.fromCharCode(frame.bytes[5]!) as TransactionStatus
          awaited -= 1
          if (awaited > 0) break
          countTime(shared, began)
          stream.unref()
          break
        case 'C':
          if (count(shared, frame.bytes).startsWith('ROLLBACK')) shared.direct.traceless += 1
          break
        case 'E':
          copying = false
          shared.direct.traceless += 1
          // The server hangs up behind it; whether the client is to know is for others to say.
          if (reportFields(frame.bytes).get('V') !== 'ERROR') return void (lastWords = frame.bytes)
          countFailure(shared)
          break
        case 'G':
          copying = true
          // The server has not looked at the Sync behind the Execute, and will not.
          if (isExtended) [awaited, unsynced] = [0, true]
          break
        case 'S': {
          const [name, value] = frame.bytes.toString('utf8', 5).split('\0')
          if (member.reported.get(name!) === value) return
          member.reported.set(name!, value!)
        }
      }
      hand(frame.bytes)
    },
    { passed: { types: 'Dd', take: bytes => (own ? own.part(bytes) : hand(bytes)) } },
  )
  const hand = (bytes: Buffer) => {
    member.send(bytes)
    slowDown(stream, member)
  }
  /** @returns whether it has not ended before */
  const end = () => {
    if (ended) return false
    if (!session.atRest()) shared.direct.abandoned += 1
    return (ended = true)
  }
  const lose = () => {
    if (!end()) return
    stream.destroy()
    own?.frame({ type: 'lost', bytes: Buffer.alloc(0) })
    onLost(session, lastWords)
  }
  stream.on('data', chunk => {
    try {
      read(chunk)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      lose()
    }
  })
  stream.on('error', lose)
  stream.on('close', lose)
  // While it waits for nothing, it keeps no process alive: clients of this process that are idle would not either.
  stream.unref()

  function expect(): void {
    if (awaited === 0) {
      began = now()
      stream.ref()
    }
    awaited += 1
  }

  function look({ type, bytes }: Frame): void {
    switch (type) {
      case 'Q':
        isExtended = false
        note(bytes.toString('utf8', 5, bytes.length - 1))
        return expect()
      case 'F':
        // Names its function by a number.
        takesLocks = true
        movesSequences = true
        countStatement()
        return expect()
      case 'S':
        if (copying) return
        unsynced = false
        return expect()
      case 'c':
      case 'f':
        copying = false
        return
      case 'P': {
        const { name, text, types } = readParse(bytes)
        if (name !== '') parsed.set(name, { text, types })
        note(text)
        break
      }
      case 'C': {
        const { kind, name } = readTarget(bytes)
        if (kind === 'S') parsed.delete(name)
        break
      }
      case 'E':
        isExtended = true
        countStatement()
        break
      case 'd':
      case 'H':
        return
    }
    unsynced = true
  }

  function lookForNames(text: string): void {
    takesLocks ||= namesSessionLocks.test(text)
    hasSet ||= sets.test(text)
    movesSequences ||= namesSequences.test(text)
  }

  function countStatement(): void {
    shared.direct.sent += 1
    if (movesSequences) shared.direct.traceless += 1
  }

  function note(text: string): void {
    remember(shared, member, text)
    lookForNames(text)
    countStatement()
    for (const [, set, config] of text.matchAll(settingCustom)) customParameters.add((set ?? config)!)
  }

  const session: DirectSession = {
    url,
    atRest: () => awaited === 0 && !unsynced && status === 'I',
    busy: () => awaited > 0,
    status: () => status,
    unsynced: () => unsynced,
    forward(frame) {
      look(frame)
      if (!stream.write(frame.bytes)) return drained(stream)
      return undefined
    },
    async run(sql) {
      const replies = frameCollector()
      await answered([query(sql)], 1, replies)
      return replies.results()
    },
    async prepare(statements) {
      if (statements.length === 0) return
      for (const { text } of statements) lookForNames(text)
      await answered(
        statements.flatMap(({ name, text, types }) => [parseMessage(name, text, types), sync]),
        statements.length,
        frameCollector(),
      )
    },
    parsed,
    takesLocks: () => takesLocks,
    hasSet: () => hasSet,
    customParameters,
    cancel,
    hasten,
    async close() {
      if (!end()) return
      const closed = new Promise(resolve => stream.once('close', resolve))
      stream.ref()
      stream.end(farewell)
      await closed
    },
  }

  async function hasten(): Promise<void> {
    letGo(stream, member)
    if (copying) stream.write(noMoreData.bytes)
    await cancel()
  }

  async function answered(messages: Buffer[], times: number, replies: ReturnType<typeof frameCollector>) {
    let left = times
    await new Promise<void>((resolve, reject) => {
      own = {
        frame(frame) {
          if (frame.type === 'lost') return reject(new Error('the server closed the connection'))
          replies.frame(frame)
          if (frame.type !== 'Z') return
          status = String.fromCharCode(frame.bytes[5]!) as TransactionStatus
          if (--left === 0) resolve()
        },
        part: bytes => replies.part(bytes),
      }
      stream.ref()
      stream.write(Buffer.concat(messages))
    }).finally(() => (own = undefined))
    stream.unref()
  }
  return session
}

/** At the begin of a statement, unlike UPDATE's SET. */
const sets = /(?:^|;|\*\/|\n)\s*(?:set|reset|discard)\b|set_config/i
/** Those of a transaction end with it. */
const namesSessionLocks = /advisory(?!_xact_lock|_unlock)/i

/** By name, in a block that may undo what it did, or in the defaults of a table like another. */
const namesSequences = /nextval|setval|exception[^;]*\bwhen\b|\bincluding\b/i

/** `SET app.user = …`, `set_config('app.user', …)`. */
const settingCustom = /\bset(?:\s+session)?\s+([a-z_]\w*\.\w+)|set_config\(\s*'([a-z_]\w*\.\w+)'/gi

/** As on the server's command line, so that RESET goes back to them: a blank or backslash needs a backslash. */
function asOptions(settings: ReadonlyMap<string, string>): string | undefined {
  const words = [...settings]
    .filter(([name]) => name !== 'application_name')
    .map(([name, value]) => `-c ${`${name}=${value}`.replaceAll(/[\s\\]/g, '\\$&')}`)
  return words.length > 0 ? words.join(' ') : undefined
}
