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

/** PostgreSQL's own limit, PQ_LARGE_MESSAGE_LIMIT in src/include/libpq/libpq.h. */
const longest = 0x3fffffff

/**
 * Cuts a stream into messages.
 *
 * @param onFrame is told of each message once it is complete
 * @param onPart where it is given, long messages of these types (`D` rows, `d` COPY data) are handed on in pieces and
 *   never held whole: a row may have a gigabyte
 * @returns what takes the stream's chunks; throws FrameError
 */
export function frameReader(
  onFrame: (frame: Frame) => void,
  onPart?: { types: string; take(bytes: Buffer): void },
): (chunk: Buffer) => void {
  /** The beginning of a message whose rest has not come yet. */
  let held: Buffer[] = []
  let heldBytes = 0
  /** How much of a message that is handed on in pieces is still to come. */
  let passing = 0

  return chunk => {
    if (passing > 0) {
      const part = chunk.subarray(0, passing)
      passing -= part.length
      onPart!.take(part)
      chunk = chunk.subarray(part.length)
    }
    if (heldBytes > 0) {
      held.push(chunk)
      heldBytes += chunk.length
      if (heldBytes < neededBytes(held)) return
      chunk = Buffer.concat(held)
      held = []
      heldBytes = 0
    }
    let start = 0
    while (chunk.length - start >= 5) {
      const length = frameLength(chunk, start)
      const end = start + length
      const type = String.fromCharCode(chunk[start]!)
      if (end > chunk.length) {
        if (!onPart?.types.includes(type)) break
        passing = end - chunk.length
        onPart.take(chunk.subarray(start))
        return
      }
      onFrame({ type, bytes: chunk.subarray(start, end) })
      start = end
    }
    if (start === chunk.length) return
    held = [chunk.subarray(start)]
    heldBytes = chunk.length - start
  }
}

function frameLength(chunk: Buffer, start: number): number {
  const length = chunk.readInt32BE(start + 1)
  if (length < 4 || length > longest) throw new FrameError(`invalid message length`)
  return length + 1
}

/** How many bytes there must be before it is worth to look again; copying them at each chunk would cost their square. */
function neededBytes(held: Buffer[]): number {
  const first = held[0]!
  if (first.length >= 5) return frameLength(first, 0)
  const head = Buffer.concat(held.slice(0, 6)).subarray(0, 5)
  return head.length < 5 ? 5 : frameLength(head, 0)
}
