import type { Frame } from './frames.js'
import type { Member } from './member.js'
import { sync } from './messages.js'
import { placeMessage } from './place-message.js'
import { plainBatchText, runPlainBatch } from './plain-batch.js'
import { isPrepared } from './preface.js'
import { lostStatements, newSegment, runSegment, type Batch } from './segment.js'
import { relay, type Shared } from './shared.js'
import { rememberTemporary } from './temporary-tables.js'
import type { Command } from './units.js'

/**
 * The messages of the extended protocol up to a Sync or Flush: they are sent to the server together, with the client's
 * names replaced, and followed by a Sync of ours in any case. A Sync changes nothing in the shared transaction, and its
 * ReadyForQuery is how the end of the replies is known; after an error, the client's messages are skipped here up to its
 * own Sync.
 *
 * Up to its Sync a batch is one transaction if the client is in none. The caller ends it.
 */
export function runBatch(shared: Shared, member: Member, frames: Frame[], isWhole: boolean): Promise<void> {
  const plainText = isWhole ? plainBatchText(member, frames) : undefined
  if (plainText === undefined) return placeBatch(shared, member, frames, isWhole)
  return runPlainBatch(shared, member, frames, plainText)
}

async function placeBatch(shared: Shared, member: Member, frames: Frame[], isWhole: boolean): Promise<void> {
  const isFollowed = frames.findIndex(isExecute) < frames.length - 1
  const batch: Batch = {
    shared,
    member,
    segment: newSegment(),
    executed: false,
    readsInPortions: frames.some(frame => isExecute(frame) && frame.bytes.readInt32BE(frame.bytes.length - 4) > 0),
    isBlock: shared.session().majorVersion >= 18,
    joinUp(isExecuted = batch.executed || batch.segment.executes) {
      if (member.status !== 'I' || !isExecuted || (isWhole && !isFollowed)) return
      member.status = 'T'
      member.implicit = true
    },
  }
  for (const frame of frames) {
    if (member.skipping) return
    const then = await placeMessage(batch, frame)
    if (then === undefined) continue
    batch.joinUp()
    member.skipping = (await flushFails(batch)) || (await then())
  }
  if (member.skipping) return
  batch.joinUp()
  member.skipping = await flushFails(batch)
}

const isExecute = ({ type }: Frame) => type === 'E'

/** Sends what has been gathered; true if something has failed. */
async function flushFails(batch: Batch): Promise<boolean> {
  const { shared, member } = batch
  const { segment } = batch
  const { messages, hidden, begun, undone, executes, temporary, unnamed } = segment
  batch.segment = newSegment()
  batch.executed ||= executes
  if (messages.length === 0) return false
  const run: Command['run'] = async before => {
    // A simple query in front makes the server forget the unnamed statement.
    const unnamedAgain = unnamed && (shared.unnamedOwner !== member || !isPrepared(shared, before)) ? [unnamed] : []
    const session = shared.session()
    const lost = lostStatements(segment, session)
    const again = [...lost.map(({ parse }) => parse), ...unnamedAgain]
    const outcome = await relay(shared, member, [...again, ...messages, sync], {
      before,
      extended: true,
      hidden: [...again.map(() => true), ...hidden],
    })
    member.prepared.closing.clear()
    for (const { at, undo } of undone) if (at + again.length >= outcome.answered) undo()
    for (const statement of [...segment.prepares, ...lost.slice(0, outcome.answered)]) statement.session = session
    if (!outcome.failed) for (const meaning of temporary) await rememberTemporary(shared, member, meaning)
    return outcome
  }
  return runSegment(shared, member, run, begun)
}
