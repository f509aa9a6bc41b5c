import { now } from './clock.js'
import { deferrableConstraints, type Constraints } from './constraints.js'
import { count, countFailure, countTime } from './counting.js'
import { nothingSent, type DirectCounts } from './direct-counts.js'
import type { Tally } from './footprint.js'
import type { Place } from './direct.js'
import type { Ground } from './ground.js'
import { lastStatement, type Member } from './member.js'
import { reportFields, sync, type TransactionStatus } from './messages.js'
import { errors, SandboxServerError } from './errors.js'
import { explain } from './explain.js'
import { feedCopy, noMoreData } from './feed-copy.js'
import { slowDown } from './pace.js'
import { prefaceOf } from './preface.js'
import { refuseMisreading } from './reading.js'
import { rollbackAndChain } from './restore-points.js'
import type { ServerSession, Sink } from './server-session.js'
import { sharedSettings, type SharedSettings } from './settings.js'
import type { Turns } from './turns.js'

/** What all clients of a sandbox share: the session, whose turn it is, and where its transaction stands. */
export interface Shared {
  session(): ServerSession
  turns: Turns<Member>
  /** All that are connected. */
  members: Set<Member>
  ground: Ground
  settings: SharedSettings
  constraints: Constraints
  /** Of the scopes that are entered, the innermost last. */
  tallies: Tally[]
  /** Runs statements of ours in one round trip; the rows of each, as text. An error of the server is thrown. */
  run(sql: string): Promise<(string | null)[][][]>
  /** Takes the turn for the sandbox itself. */
  self: Member
  /** The statements that run before most units, prepared. */
  usual: ReadonlyMap<string, Buffer>
  /** Whose unnamed prepared statement the session has. */
  unnamedOwner: Member | undefined
  /** Whether something ran that may have left session locks, which no rollback gives back. */
  advisoryLocks: boolean
  /** Where clients talk to sessions of their own, in the scope that is innermost; undefined where they share one. */
  place(): Place | undefined
  /** For each scope, the innermost last. */
  places: (Place | undefined)[]
  /** Loaded with the first such scope. */
  directly: typeof import('./direct.js') | undefined
  /** For the sessions that clients have of their own. */
  sessionOptions: { whenFull?: string | undefined; findProblem?: string | undefined }
  /** What they have done in these. */
  direct: DirectCounts
  /** A scope has ended, and none was entered since: what ends sessions now is no test. */
  isLeaving: boolean
}

export function openShared(
  session: () => ServerSession,
  turns: Turns<Member>,
  ground: Ground,
  sessionOptions: Shared['sessionOptions'],
): Shared {
  const run = (sql: string) => {
    // The server forgets the unnamed statement at each simple query.
    shared.unnamedOwner = undefined
    return session().run(sql)
  }
  const shared: Shared = {
    session,
    turns,
    members: new Set(),
    ground,
    settings: sharedSettings(run),
    constraints: deferrableConstraints(run),
    tallies: [],
    self: {} as Member,
    run,
    usual: new Map(),
    unnamedOwner: undefined,
    advisoryLocks: false,
    place: () => shared.places.at(-1),
    places: [],
    directly: undefined,
    sessionOptions,
    direct: { ...nothingSent },
    isLeaving: false,
  }
  return shared
}

/** How one exchange ended. */
export interface Outcome {
  failed: boolean
  /** What the server is in: it is always in a transaction, unless a statement has found a way out of it. */
  status: TransactionStatus
  /** How many Parse, Bind and Close were answered. */
  answered: number
  /** The last statement's tag, where it was held back. */
  tag?: Buffer
}

/**
 * Takes the turn and plans a unit: what has to run in front of its first statement, in the same packet.
 *
 * Here and below, what most units need not wait for answers without a promise: in a process that has just started, as those
 * of tests have, each asynchronous function on a statement's way can be felt.
 *
 * @throws what `turns.take` throws
 */
export function beginUnit(
  shared: Shared,
  member: Member,
  { guarded = false }: { guarded?: boolean } = {},
): string[] | Promise<string[]> {
  const waiting = shared.turns.take(member) ?? shared.constraints.refresh()
  if (!waiting) return planUnit(shared, member, guarded)
  return waiting.then(() => shared.constraints.refresh()).then(() => planUnit(shared, member, guarded))
}

function planUnit(shared: Shared, member: Member, guarded: boolean): string[] {
  const { readOnly = member.settings.get('default_transaction_read_only') === 'on' } = member.modes
  // Its savepoint takes READ ONLY back when it is released.
  const { anew, savepoints, guard } = shared.ground.begin({ guarded: guarded || readOnly })
  if (anew.length > 0) {
    // First, or what was just read would be forgotten as well.
    shared.constraints.begunAnew()
    forgetState(shared)
  }
  const settings = shared.settings.switchTo(member)
  // They may fail, as for a role that is gone, so that the savepoint has to be there; and once they are made they must not
  // go with the first error of the unit, so that it has to be made again.
  const renewed = settings.length > 0 && guard !== undefined ? [`RELEASE SAVEPOINT ${guard}`, `SAVEPOINT ${guard}`] : []
  return [
    ...anew,
    ...savepoints,
    ...settings,
    ...renewed,
    ...shared.constraints.defer(),
    ...(readOnly ? ['SET TRANSACTION READ ONLY'] : []),
  ]
}

/** Puts a unit back to where it began, and with it what its client has set and declared. */
export async function undoUnit(shared: Shared, member: Member): Promise<void> {
  await shared.run(shared.ground.undo())
  forgetState(shared)
  member.touched.clear()
  for (const name of member.heldInUnit) member.holdCursors.delete(name)
}

/** After a rollback of ours: parameters and constraint modes are as they were at some earlier moment. */
export function forgetState(shared: Shared): void {
  shared.settings.forget()
  shared.constraints.rolledBack()
  shared.unnamedOwner = undefined
}

/** What a relayed exchange needs to know beyond its messages. */
interface RelayOptions {
  /** Statements of ours in front; their replies stay here. */
  before?: string[]
  /** Whether the messages are of the extended protocol, and need a Sync behind COPY data. */
  extended?: boolean
  /** For each Parse, Bind and Close in turn, whether its reply stays here. */
  hidden?: boolean[]
  /** Keeps the tag of the last statement back, for whoever sees first whether the unit holds. */
  holdTag?: boolean
  /** Where the statement begins in the client's text, for the position in an error. */
  offset?: number
}

/**
 * Sends a client's messages to the server and the replies to the client, all but ReadyForQuery: what status the client
 * is told is for the caller to say.
 */
export async function relay(
  shared: Shared,
  member: Member,
  messages: Buffer[],
  { before = [], extended = false, hidden = [], holdTag = false, offset = 0 }: RelayOptions = {},
): Promise<Outcome> {
  const session = shared.session()
  const outcome: Outcome = { failed: false, status: 'T', answered: 0 }
  const preface = prefaceOf(shared, before)
  /** How many replies are to ours: CommandComplete where they are prepared, or else one ReadyForQuery. */
  let { replies: ours } = preface
  let oursFailed: Error | undefined
  let copying: Promise<void> | undefined

  const sink: Sink = {
    frame({ type, bytes }) {
      if (ours > 0) {
        if (type === preface.endsWith) ours -= 1
        else if (type === 'E') {
          oursFailed ??= new SandboxServerError(reportFields(bytes))
          if (!preface.isPrepared) return
          // The server skips all that follows, up to a Sync.
          ours = Infinity
          if (!extended) session.sendMore(sync)
        }
        return
      }
      if (outcome.tag && type !== 'Z') showTag()
      switch (type) {
        case 'Z':
          outcome.status = String.fromCharCode(bytes[5]!) as TransactionStatus
          return
        case '1':
        case '2':
        case '3':
          if (!hidden[outcome.answered++]) member.send(bytes)
          return
        case 'C':
          count(shared, bytes)
          if (holdTag) {
            outcome.tag = bytes
            return
          }
          break
        case 'E':
          outcome.failed = true
          // What the client still sends of it is passed over, as the server does.
          if (member.feeding) member.interrupt(noMoreData)
          countFailure(shared)
          member.send(explain(bytes, member, offset))
          return
        case 'G':
        case 'W':
          copying = feedCopy(session, member, extended)
          break
        case 'A':
          return
      }
      member.send(bytes)
      slowDown(session, member)
    },
    part(bytes) {
      if (ours > 0) return
      if (outcome.tag) showTag()
      member.send(bytes)
      slowDown(session, member)
    },
  }
  function showTag() {
    member.send(outcome.tag!)
    delete outcome.tag
  }
  // What was posted as the last scope ended does the same.
  if (before[0] === rollbackAndChain) session.withdraw(rollbackAndChain)
  const start = now()
  await session.exchange([...preface.messages, ...messages], sink, preface.isPrepared ? 1 : 2)
  countTime(shared, start)
  if (copying) await copying
  if (oursFailed !== undefined) throw oursFailed
  if (outcome.status === 'I') {
    session.abandon(`a statement ended the shared transaction: ${lastStatement(member)}`)
    throw errors.SESSION_LOST({ reason: session.lost()!.message })
  }
  refuseMisreading(session)
  return outcome
}
