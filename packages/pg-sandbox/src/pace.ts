import { noMoreData } from './feed-copy.js'
import type { Member } from './member.js'

/** What the server sends. */
interface Flow {
  pause(): void
  resume(): void
}

/** A client that reads slowly slows the server down; its rows are not kept here. */
export function slowDown(flow: Flow, member: Member): void {
  const taken = member.taken()
  if (!taken) return
  flow.pause()
  void taken.then(() => flow.resume())
}

/**
 * Ends what keeps a client's statement from its end, where its scope has ended: the server hears of no cancel while it waits for COPY
 * data, or for somebody to read its rows.
 */
export function letGo(flow: Flow, member: Member): void {
  member.hurried = true
  flow.resume()
  if (member.feeding) member.interrupt(noMoreData)
}
