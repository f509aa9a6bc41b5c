import type { Frame } from './frames.js'
import type { Member } from './member.js'
import { message, sync } from './messages.js'
import type { ServerSession } from './server-session.js'

/** COPY … FROM STDIN: from here on the client's messages are data, up to CopyDone or CopyFail. */
export async function feedCopy(session: ServerSession, member: Member, extended: boolean): Promise<void> {
  member.feeding = true
  const last = await feed(session, member)
  member.feeding = false
  if (!extended) return
  // It has ignored the Sync that came before the data, and the client sends another behind it.
  session.sendMore(sync)
  member.owesSync = last === noMoreData
  if (member.owesSync) return
  for (let frame = await member.next(); frame && frame.type !== 'S'; frame = await member.next());
}

/** @returns the message that ends the data; undefined where the client is gone */
async function feed(session: ServerSession, member: Member): Promise<Frame | undefined> {
  for (;;) {
    const frame = await member.next()
    if (!frame || frame.type === 'X') {
      session.sendMore(message('f', 'the client is gone'))
      return undefined
    }
    if (frame.type === 'd') {
      if (!session.sendMore(frame.bytes)) await session.drained()
      continue
    }
    // Flush and Sync are ignored by the server too, as long as it takes data.
    if (frame.type === 'H' || frame.type === 'S') continue
    // Anything else must not reach the server, which would take it for a statement once the COPY has failed.
    session.sendMore(endOfCopy(frame))
    return frame
  }
}

/** Made anew, for the server hangs up if one is longer than it may be. */
function endOfCopy({ type, bytes }: Frame): Buffer {
  if (type === 'c') return message('c')
  return message(
    'f',
    type === 'f'
      ? bytes.toString('utf8', 5, 1_000).replaceAll('\0', '')
      : `unexpected message type ${type} during COPY from stdin`,
  )
}

/** In the place of what a client has not sent, where the COPY has failed or its scope has ended. */
export const noMoreData: Frame = { type: 'f', bytes: message('f', 'its scope has ended') }
