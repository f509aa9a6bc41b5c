import type { Member } from './member.js'
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
  unnamed: undefined,
  begun: false,
})

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
