import type { Member } from './member.js'
import { withOwnNames } from './own-names.js'
import type { Shared } from './shared.js'
import type { Meaning } from './statements.js'
import { answer, closePortals, failTransaction, refuse } from './transactions.js'
import { runPlain, type Command } from './units.js'

/** A cursor WITH HOLD outlives its transaction, and is its client's own. */
export async function runCursor(
  shared: Shared,
  member: Member,
  command: Command,
  meaning: Extract<Meaning, { kind: 'holdCursor' | 'fetch' | 'closeCursor' }>,
): Promise<boolean> {
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
    if (cursors.has(name)) {
      refuse(member, { code: '42P03', message: `cursor "${name}" already exists` })
      if (member.status === 'T') await failTransaction(shared, member)
      return true
    }
    if (!holdCursors.has(name) && member.status !== 'I') member.heldInTransaction.add(name)
    holdCursors.set(name, member.prepared.cursor(name))
  }
  if (kind === 'closeCursor' && !holdCursors.has(name)) cursors.delete(name)
  const text = withOwnNames(member, command.text, meaning)
  if (kind === 'closeCursor') holdCursors.delete(name)
  return runPlain(shared, member, command, text)
}

/** DECLARE CURSOR: the server has another name for a cursor WITH HOLD, and would not see that there is one of this name. */
export async function declareFails(shared: Shared, member: Member, name: string): Promise<boolean> {
  if (member.holdCursors.has(name)) {
    refuse(member, { code: '42P03', message: `cursor "${name}" already exists` })
    if (member.status === 'T') await failTransaction(shared, member)
    return true
  }
  member.cursors.add(name)
  return false
}

export async function runSavepoint(shared: Shared, member: Member, command: Command, name: string): Promise<boolean> {
  const failed = await runPlain(shared, member, command)
  if (failed || !name.startsWith('ROLLBACK') || member.cursors.size + member.heldInTransaction.size === 0) return failed
  // It closes the cursors that were declared since.
  const [rows = []] = await shared.run('SELECT name FROM pg_catalog.pg_cursors')
  const open = new Set(rows.map(([cursor]) => cursor))
  for (const cursor of member.cursors) if (!open.has(cursor)) member.cursors.delete(cursor)
  for (const cursor of member.heldInTransaction) {
    if (!open.has(member.holdCursors.get(cursor) ?? '')) member.holdCursors.delete(cursor)
  }
  return false
}
