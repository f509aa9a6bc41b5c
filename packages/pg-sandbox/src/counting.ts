import { now } from './clock.js'
import { countTag, countText, readTag } from './footprint.js'
import type { Member } from './member.js'
import type { Shared } from './shared.js'

/* What the innermost scope's footprint is made of. */

export function countFailure(shared: Shared): void {
  const tally = shared.tallies.at(-1)
  if (tally) tally.failed += 1
}

/** What the server has worked for a client, since this moment of `now()`. */
export function countTime(shared: Shared, start: number): void {
  const tally = shared.tallies.at(-1)
  if (tally) tally.milliseconds += now() - start
}

/** What a client has asked for last, for errors and footprints. */
export function remember(shared: Shared, member: Member, text: string): void {
  member.lastText = text
  // A session of the client's own is looked after by itself.
  if (!member.direct && /advisory/i.test(text)) shared.advisoryLocks = true
  const tally = shared.tallies.at(-1)
  if (tally) countText(tally, text)
}

/**
 * What a CommandComplete tells of.
 *
 * @returns the kind of the statement: `INSERT`, `ROLLBACK`
 */
export function count(shared: Shared, bytes: Buffer): string {
  const tag = readTag(bytes.toString('latin1', 5, bytes.length - 1))
  const tally = shared.tallies.at(-1)
  if (tally) countTag(tally, tag)
  if (tag.changesSchema) shared.constraints.changed()
  return tag.kind
}
