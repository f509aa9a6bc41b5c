import type { Member } from './member.js'
import type { PreparedStatement } from './prepared.js'
import type { ServerSession } from './server-session.js'
import { beginUnit, type Shared } from './shared.js'
import type { Meaning } from './statements.js'
import { startTransaction } from './transactions.js'
import { finishUnit, type Command } from './units.js'

/** The messages of a client up to a Sync or Flush, and how far they have come. */
export interface Batch {
  readonly shared: Shared
  readonly member: Member
  /** What is sent next. */
  segment: Segment
  /** Whether a statement has run to its end. */
  executed: boolean
  /** Whether any Execute wants only so many rows. */
  readonly readsInPortions: boolean
  /** Whether behind its first Execute it may do what is only allowed in a transaction block: since PostgreSQL 18. */
  readonly isBlock: boolean
  /** From here on its statements are one transaction, if the client is in none and one has run. */
  joinUp(isExecuted?: boolean): void
}

/** Messages of the extended protocol that go to the server together, as one unit or a part of one. */
export interface Segment {
  messages: Buffer[]
  /** For each Parse, Bind and Close in turn, whether the client hears of its reply. */
  hidden: boolean[]
  /** What to take back if a Parse, Bind or Close fails, and which of the replies is its own. */
  undone: { at: number; undo(): void }[]
  executes: boolean
  /** Temporary tables that it makes. */
  temporary: Extract<Meaning, { kind: 'temporary' }>[]
  parsesUnnamed: boolean
  /** Named statements that it prepares, and those that it uses. */
  prepares: Set<PreparedStatement>
  uses: Set<PreparedStatement>
  /** The Parse of the unnamed statement, where the segment uses one of an earlier segment. */
  unnamed: Buffer | undefined
  /** Whether its unit has been begun already. */
  begun: boolean
}

export const newSegment = (): Segment => ({
  messages: [],
  hidden: [],
  undone: [],
  executes: false,
  temporary: [],
  parsesUnnamed: false,
  prepares: new Set(),
  uses: new Set(),
  unnamed: undefined,
  begun: false,
})

/** It may have to be prepared again: the unnamed one after any simple query, all of them in a new session. */
export function useStatement(segment: Segment, name: string, statement: PreparedStatement): void {
  if (name !== '') segment.uses.add(statement)
  else if (!segment.parsesUnnamed) segment.unnamed ??= statement.parse
}

/** Named statements that were prepared in a session that is no more; its client does not know that, and goes on to use them. */
export function lostStatements({ uses, prepares }: Segment, session: ServerSession): PreparedStatement[] {
  // One that SQL's PREPARE has made is gone with its session.
  return [...uses].filter(
    statement => statement.session !== session && !prepares.has(statement) && statement.scope === undefined,
  )
}

/** In the client's transaction, or as a unit of its own. */
export async function runSegment(
  shared: Shared,
  member: Member,
  run: Command['run'],
  begun: boolean,
): Promise<boolean> {
  if (member.status !== 'I') {
    const outcome = await run(await startTransaction(shared, member), '')
    shared.unnamedOwner = member
    member.status = outcome.status
    return outcome.failed
  }
  const outcome = await run(begun ? [] : await beginUnit(shared, member), '')
  shared.unnamedOwner = member
  return finishUnit(shared, member, outcome)
}
