import { forgetClosedCursors } from './cursors.js'
import type { Member } from './member.js'
import type { Shared } from './shared.js'
import type { Meaning } from './statements.js'
import { runPlain, type Command } from './units.js'

/** A savepoint of a client, and what ROLLBACK TO it has to bring back that the server does not know. */
export interface Savepoint {
  name: string
  locals: ReadonlyMap<string, string | null>
  /** How many there were. */
  notifications: number
}

export async function runSavepoint(
  shared: Shared,
  member: Member,
  command: Command,
  { command: verb, name }: Extract<Meaning, { kind: 'savepoint' }>,
): Promise<boolean> {
  if (await runPlain(shared, member, command)) return true
  const { savepoints, locals, notifications } = member
  if (verb === 'SAVEPOINT') {
    savepoints.push({ name, locals: new Map(locals), notifications: notifications.length })
    return false
  }
  // Several may have one name: the newest is meant.
  const index = savepoints.findLastIndex(savepoint => savepoint.name === name)
  if (index === -1) return false
  const [found] = savepoints.splice(index) as [Savepoint]
  if (verb === 'RELEASE SAVEPOINT') return false
  savepoints.push(found)
  locals.clear()
  for (const [parameter, value] of found.locals) locals.set(parameter, value)
  notifications.splice(found.notifications)
  await forgetClosedCursors(shared, member)
  return false
}
