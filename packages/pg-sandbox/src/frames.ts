/**
 * A message of the protocol after the start-up: a type's byte, a length of four bytes that counts itself, a body
 * (manual, section 54.7, Message Formats).
 */
export interface Frame {
  /** The type's character, for instance `Q`. */
  type: string
  /** The whole message, type and length included; a view into what was received. */
  bytes: Buffer
}

/** A length that no message can have: the stream is lost, since nobody knows where the next message begins. */
export class FrameError extends Error {}

interface FrameReaderOptions {
  /** Types whose messages are not looked at: they are handed on in pieces of any length, whether large or many. */
  passed?: { types: string; take(bytes: Buffer): void }
  /** Types whose messages are always short: a longer one is an error. */
  short?: string
}

/** PostgreSQL's own limit, PQ_LARGE_MESSAGE_LIMIT in src/include/libpq/libpq.h. */
const longest = 0x3fffffff
/** PQ_SMALL_MESSAGE_LIMIT is 10,000, and the server's names for what a client names are longer than the client's. */
const longestShort = 9_900

/**
 * Cuts a stream into messages.
 *
 * @param onFrame is told of each message once it is complete
 * @returns what takes the stream's chunks; throws FrameError
 */
export function frameReader(
  onFrame: (frame: Frame) => void,
  { passed, short = '' }: FrameReaderOptions = {},
): (chunk: Buffer) => void {
  /** The beginning of a message whose rest has not come yet. */
  let held: Buffer[] = []
  let heldBytes = 0
  /** How much of a message that is handed on is still to come. */
  let passing = 0
  const isPassed = byTypes(passed?.types ?? '')
  const isShort = byTypes(short)

  function lengthAt(chunk: Buffer, start: number): number {
    const length = chunk.readInt32BE(start + 1)
    if (length < 4 || length > (isShort[chunk[start]!] ? longestShort : longest)) {
      throw new FrameError(`invalid message length`)
    }
    return length + 1
  }

  /** How many bytes there must be before it is worth to look again; copying them at each chunk would cost their square. */
  function neededBytes(): number {
    const first = held[0]!
    if (first.length >= 5) return lengthAt(first, 0)
    const head = Buffer.concat(held.slice(0, 6)).subarray(0, 5)
    return head.length < 5 ? 5 : lengthAt(head, 0)
  }

  return chunk => {
    if (passing > 0) {
      const part = chunk.subarray(0, passing)
      passing -= part.length
      passed!.take(part)
      chunk = chunk.subarray(part.length)
    }
    if (heldBytes > 0) {
      held.push(chunk)
      heldBytes += chunk.length
      if (heldBytes < neededBytes()) return
      chunk = Buffer.concat(held)
      held = []
      heldBytes = 0
    }
    let start = 0
    while (chunk.length - start >= 5) {
      let end = start + lengthAt(chunk, start)
      if (isPassed[chunk[start]!]) {
        while (chunk.length - end >= 5 && isPassed[chunk[end]!]) end += lengthAt(chunk, end)
        passing = Math.max(end - chunk.length, 0)
        passed!.take(chunk.subarray(start, end))
      } else {
        if (end > chunk.length) break
        onFrame({ type: typeNames[chunk[start]!]!, bytes: chunk.subarray(start, end) })
      }
      start = end
    }
    if (start >= chunk.length) return
    held = [chunk.subarray(start)]
    heldBytes = chunk.length - start
  }
}

/** By their byte: whether it is one of these types. */
function byTypes(types: string): readonly boolean[] {
  let known = tables.get(types)
  if (!known) {
    known = Array.from({ length: 256 }, (_, byte) => types.includes(String.fromCharCode(byte)))
    tables.set(types, known)
  }
  return known
}

/** There is a reader for each statement of ours. */
const tables = new Map<string, readonly boolean[]>()

const typeNames = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))
