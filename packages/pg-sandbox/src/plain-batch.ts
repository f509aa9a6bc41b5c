import type { Frame } from './frames.js'
import type { Member } from './member.js'
import { sync, textAt } from './messages.js'
import { runSegment } from './segment.js'
import { remember } from './counting.js'
import { relay, type Shared } from './shared.js'
import { isPlain } from './statements.js'

/**
 * The batch that drivers send for a statement with parameters: Parse, Bind, Describe and Execute, all of them unnamed. If the
 * statement is plain there is nothing to replace, and the client's bytes go on as they are.
 *
 * @returns the statement's text; undefined for any other batch
 */
export function plainBatchText(member: Member, frames: readonly Frame[]): string | undefined {
  if (member.status === 'E' || member.implicit || member.prepared.unnamedPortal !== '') return undefined
  const [parse, bind, third, fourth] = frames
  const execute = fourth ?? third
  if (frames.length > 4 || parse?.type !== 'P' || bind?.type !== 'B' || execute?.type !== 'E') return undefined
  if (fourth && !(third?.type === 'D' && third.bytes[5] === portal && third.bytes[6] === 0)) return undefined
  if (parse.bytes[5] !== 0 || bind.bytes[5] !== 0 || bind.bytes[6] !== 0) return undefined
  // Unnamed, and all rows at once.
  if (execute.bytes.length !== 10 || execute.bytes.readInt32BE(6) !== 0) return undefined
  const text = textAt(parse.bytes, 6)?.text
  return text !== undefined && isPlain(text) ? text : undefined
}

const portal = 'P'.charCodeAt(0)

export async function runPlainBatch(
  shared: Shared,
  member: Member,
  frames: readonly Frame[],
  text: string,
): Promise<void> {
  const { statements, controlPortals, observedPortals } = member.prepared
  remember(shared, member, text)
  controlPortals.delete('')
  observedPortals.delete('')
  // A copy: the bytes are a view into all that was received with them.
  statements.set('', { text, meaning: undefined, parse: Buffer.from(frames[0]!.bytes), serverName: '' })
  const messages = [...frames.map(({ bytes }) => bytes), sync]
  const run = async (before: string[]) => {
    const outcome = await relay(shared, member, messages, { before, extended: true })
    if (outcome.answered === 0) statements.delete('')
    return outcome
  }
  member.skipping = await runSegment(shared, member, run, false)
}
