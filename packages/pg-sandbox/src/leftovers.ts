import { sync } from './messages.js'
import { closeMessages } from './prepared.js'
import { ignored } from './server-session.js'
import type { Shared } from './shared.js'

/**
 * What a session keeps although its transaction is rolled back, and what belongs to a scope all the same: it goes with the
 * scope in which it was made. Statements that a driver has prepared by messages are not among it: it goes on to use them.
 *
 * @param depth of the scope that has ended, 1 for the outermost
 */
export function clearLeftovers(shared: Shared, depth: number): Promise<void> | undefined {
  const closing: Buffer[] = []
  let holdsCursors = false
  for (const { channels, prepared, holdCursors } of shared.members) {
    for (const [channel, scope] of channels) if (scope >= depth) channels.delete(channel)
    for (const [name, { scope }] of prepared.statements) {
      if (scope !== undefined && scope >= depth) closing.push(...closeMessages(prepared, [name]))
    }
    holdsCursors ||= holdCursors.size > 0
  }
  // Of most scopes nothing is kept.
  const isClear = closing.length === 0 && !holdsCursors && !shared.advisoryLocks
  return isClear ? undefined : clearOnServer(shared, closing, holdsCursors)
}

async function clearOnServer(shared: Shared, closing: Buffer[], holdsCursors: boolean): Promise<void> {
  if (closing.length > 0) await shared.session().exchange([...closing, sync], ignored, 1)
  if (holdsCursors) await forgetCursors(shared)
  if (shared.advisoryLocks) {
    // Those of a session are not the transaction's.
    shared.advisoryLocks = false
    await shared.run('SELECT pg_catalog.pg_advisory_unlock_all()')
  }
}

/** A cursor WITH HOLD is held from the COMMIT on that a sandbox never has: a rollback has taken it. */
async function forgetCursors(shared: Shared): Promise<void> {
  const [rows = []] = await shared.run('SELECT name FROM pg_catalog.pg_cursors')
  const open = new Set(rows.map(([name]) => name))
  for (const { holdCursors } of shared.members) {
    for (const [name, serverName] of holdCursors) if (!open.has(serverName)) holdCursors.delete(name)
  }
}
