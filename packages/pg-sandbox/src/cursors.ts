import { closePortals } from './close-names.js'
import type { Member } from './member.js'
import { withOwnNames } from './own-names.js'
import type { Shared } from './shared.js'
import type { Meaning } from './statements.js'
import { answer, failTransaction, refuse } from './transactions.js'
import { runPlain, type Command } from './units.js'

/** A cursor WITH HOLD outlives its transaction, and is its client's own. */
export async function runCursor(
  shared: Shared,
  member: Member,
  command: Command,
  meaning: Extract<Meaning, { kind: 'holdCursor' | 'fetch' | 'closeCursor' }>,
): Promise<boolean> {
  // The server refuses it, whatever the name.
  if (member.status === 'E') return runPlain(shared, member, command)
  const { cursors, holdCursors } = member
  const { kind, name } = meaning
  if (name === null) {
    await shared.turns.take(member)
    for (const serverName of holdCursors.values()) cursors.add(serverName)
    holdCursors.clear()
    await closePortals(shared, member)
    if (member.status === 'I') shared.turns.give(member)
    return answer(member, 'CLOSE CURSOR ALL')
  }
  if (kind === 'holdCursor') {
    if (cursors.has(name)) return refuseCursor(shared, member, name)
    hold(member, name)
  }
  if (kind === 'closeCursor' && !holdCursors.has(name)) cursors.delete(name)
  const text = withOwnNames(member, command.text, meaning)
  if (kind === 'closeCursor') holdCursors.delete(name)
  return runPlain(shared, member, command, text)
}

/** A cursor WITH HOLD is about to be declared. */
export function hold({ holdCursors, heldInUnit, prepared }: Member, name: string): void {
  if (holdCursors.has(name)) return
  holdCursors.set(name, prepared.cursor(name))
  heldInUnit.add(name)
}

/**
 * The server knows a cursor WITH HOLD by another name, so that it would not see that there are to be two of one name.
 *
 * @returns true: it has failed
 */
export async function refuseCursor(shared: Shared, member: Member, name: string): Promise<true> {
  refuse(member, { code: '42P03', message: `cursor "${name}" already exists` })
  if (member.status === 'T') await failTransaction(shared, member)
  return true
}

/** ROLLBACK TO closes the cursors that were declared since. */
export async function forgetClosedCursors(shared: Shared, member: Member): Promise<void> {
  if (member.cursors.size + member.heldInUnit.size === 0) return
  const [rows = []] = await shared.run('SELECT name FROM pg_catalog.pg_cursors')
  const open = new Set(rows.map(([cursor]) => cursor))
  for (const cursor of member.cursors) if (!open.has(cursor)) member.cursors.delete(cursor)
  for (const cursor of member.heldInUnit) {
    if (!open.has(member.holdCursors.get(cursor) ?? '')) member.holdCursors.delete(cursor)
  }
}
