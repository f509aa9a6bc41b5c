import { sync } from './messages.js'
import { empty, type Member } from './member.js'
import { closeMessage, closeMessages } from './prepared.js'
import { ignored } from './server-session.js'
import type { Shared } from './shared.js'

/** On a server of the client's own they would end with its transaction; here they would pin tables. */
export function closePortals(shared: Shared, member: Member): Promise<void> | undefined {
  const { openPortals, controlPortals, observedPortals } = member.prepared
  // Cursors of SQL are portals too.
  const messages = [...openPortals, ...member.cursors].map(name => closeMessage('P', name))
  for (const names of [openPortals, controlPortals, observedPortals, member.cursors]) empty(names)
  member.prepared.unnamedPortal = ''
  return messages.length > 0 ? closeOnServer(shared, member, messages) : undefined
}

/** A server does it at each simple query; it does not know that this is one which has a name there. */
export async function closeUnnamedPortal(shared: Shared, member: Member): Promise<void> {
  const name = member.prepared.unnamedPortal
  member.prepared.unnamedPortal = ''
  member.prepared.openPortals.delete(name)
  await closeOnServer(shared, member, [closeMessage('P', name)])
}

/** All names of a client. */
export async function closeAll(shared: Shared, member: Member): Promise<void> {
  for (const name of member.holdCursors.values()) member.cursors.add(name)
  member.holdCursors.clear()
  await closePortals(shared, member)
  await closeStatements(shared, member, [...member.prepared.statements.keys()])
}

/** Closes prepared statements of one client; those of the others have other names. */
export async function closeStatements(shared: Shared, member: Member, names: string[]): Promise<void> {
  await closeOnServer(shared, member, closeMessages(member.prepared, names))
}

/** By messages, for which it is no error that something is not there: a rollback has taken it. */
async function closeOnServer(shared: Shared, member: Member, messages: Buffer[]): Promise<void> {
  if (messages.length === 0 || shared.session().lost()) return
  const hadTurn = shared.turns.holder() === member
  await shared.turns.take(member)
  try {
    await shared.session().exchange([...messages, sync], ignored, 1)
  } finally {
    if (!hadTurn) shared.turns.give(member)
  }
}
