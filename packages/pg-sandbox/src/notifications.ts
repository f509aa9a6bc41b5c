import type { Member } from './member.js'
import { int32, message } from './messages.js'
import type { Shared } from './shared.js'

/** What a client's transaction has to tell once it is committed. */
export interface Notification {
  channel: string
  payload: string
}

/**
 * The server would deliver notifications when the shared transaction is committed, which it never is. So those of the
 * command NOTIFY are delivered here. What calls pg_notify() is not seen.
 */
export function notifyListeners(shared: Shared, sender: Member, notifications: Notification[]): void {
  const told = new Set<string>()
  for (const { channel, payload } of notifications) {
    // The same notification is delivered once a transaction (manual, NOTIFY).
    const key = JSON.stringify([channel, payload])
    if (told.has(key)) continue
    told.add(key)
    for (const member of shared.members) {
      if (member.channels.has(channel)) member.send(message('A', int32(sender.processId), channel, payload))
    }
  }
}
