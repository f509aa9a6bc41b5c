import type { Member } from './member.js'
import { report, sync, type Report } from './messages.js'
import { notifyListeners } from './notifications.js'
import { runCursor, declareFails, runSavepoint } from './cursors.js'
import { withOwnNames } from './own-names.js'
import { setModes, setParameters } from './parameters.js'
import { closeMessages } from './prepared.js'
import { ignored } from './server-session.js'
import type { Shared } from './shared.js'
import type { Meaning } from './statements.js'
import { answer, begin, commit, failTransaction, refuse, refuseTwoPhases, rollback } from './transactions.js'
import { runInVain, runPlain, type Command } from './units.js'

/**
 * Runs one statement, and answers the client with all but ReadyForQuery.
 *
 * @returns whether it has failed
 */
export async function runCommand(shared: Shared, member: Member, command: Command): Promise<boolean> {
  const { meaning } = command
  if (member.status === 'E' && !mayFollowFailure(meaning)) {
    member.send(report(abortedTransaction))
    return true
  }
  switch (meaning.kind) {
    case 'begin':
      return begin(shared, member, meaning.tag, meaning.modes)
    case 'commit':
      return commit(shared, member, meaning.chain)
    case 'rollback':
      return rollback(shared, member, meaning.chain)
    case 'twoPhases':
      await refuseTwoPhases(shared, member)
      return true
    case 'savepoint':
    case 'inTransaction':
      if (member.status === 'I' || (member.implicit && meaning.kind === 'savepoint')) {
        refuse(member, { code: '25P01', message: `${meaning.command} can only be used in transaction blocks` })
        return true
      }
      if (meaning.kind === 'inTransaction' && meaning.cursor && (await declareFails(shared, member, meaning.cursor))) {
        return true
      }
      if (meaning.kind === 'savepoint') return runSavepoint(shared, member, command, meaning.command)
      return runPlain(shared, member, command)
    case 'holdCursor':
    case 'fetch':
    case 'closeCursor':
      return runCursor(shared, member, command, meaning)
    case 'modes':
      return setModes(shared, member, command, meaning.modes)
    case 'constraints':
      if (member.status !== 'I') return runPlain(shared, member, command)
      return runInVain(shared, member, command, 'SET CONSTRAINTS')
    case 'temporary':
      return createTemporary(shared, member, command, meaning)
    case 'set':
      return setParameters(shared, member, command, meaning)
    case 'prepare':
    case 'execute':
      return runRenamed(shared, member, command, meaning)
    case 'deallocate':
      return deallocate(shared, member, command, meaning.name)
    case 'discardAll':
      return discardAll(shared, member)
    case 'listen':
      member.channels.set(meaning.channel, shared.ground.scopes())
      return answer(member, 'LISTEN')
    case 'unlisten':
      if (meaning.channel === null) member.channels.clear()
      else member.channels.delete(meaning.channel)
      return answer(member, 'UNLISTEN')
    case 'notify':
      if (member.status === 'I') notifyListeners(shared, member, [meaning])
      else member.notifications.push(meaning)
      return answer(member, 'NOTIFY')
    default:
      return runPlain(shared, member, command)
  }
}

export const abortedTransaction: Report = {
  severity: 'ERROR',
  code: '25P02',
  message: 'current transaction is aborted, commands ignored until end of transaction block',
}

export function endsTransaction(meaning: Meaning): boolean {
  const { kind } = meaning
  return kind === 'commit' || kind === 'rollback' || (kind === 'savepoint' && meaning.command.startsWith('ROLLBACK'))
}

/** The server itself refuses the rest, but for those of which it never hears. */
function mayFollowFailure({ kind }: Meaning): boolean {
  return [
    'plain',
    'commit',
    'rollback',
    'savepoint',
    'inTransaction',
    'constraints',
    'temporary',
    'set',
    'holdCursor',
    'fetch',
    'execute',
    'prepare',
  ].includes(kind)
}

async function createTemporary(
  shared: Shared,
  member: Member,
  command: Command,
  { name, onCommit }: Extract<Meaning, { kind: 'temporary' }>,
): Promise<boolean> {
  const known = member.temporary.get(name)
  if (known !== undefined) return runPlain(shared, member, command)
  member.temporary.set(name, onCommit)
  const failed = await runPlain(shared, member, command)
  if (failed) member.temporary.delete(name)
  return failed
}

/** SQL's PREPARE and EXECUTE share their names with the messages of the protocol. */
async function runRenamed(
  shared: Shared,
  member: Member,
  command: Command,
  { kind, name }: { kind: 'prepare' | 'execute'; name: string },
): Promise<boolean> {
  const { statements, newStatement } = member.prepared
  const known = statements.get(name)
  if (kind === 'prepare' && known?.serverName === '') {
    if (member.status === 'E') return runPlain(shared, member, command)
    refuse(member, { code: '42P05', message: `prepared statement "${name}" already exists` })
    if (member.status === 'T') await failTransaction(shared, member)
    return true
  }
  const isNew = kind === 'prepare' && !known
  if (isNew) {
    const scope = shared.ground.scopes()
    statements.set(name, {
      text: '',
      meaning: undefined,
      parse: Buffer.alloc(0),
      serverName: newStatement(name),
      scope,
    })
  }
  const failed = await runPlain(shared, member, command, withOwnNames(member, command.text, { kind, name }))
  if (failed && isNew) statements.delete(name)
  return failed
}

async function deallocate(shared: Shared, member: Member, command: Command, name: string | null): Promise<boolean> {
  const { statements } = member.prepared
  if (name !== null && !statements.has(name)) return runPlain(shared, member, command)
  await closeStatements(shared, member, name === null ? [...statements.keys()] : [name])
  return answer(member, name === null ? 'DEALLOCATE ALL' : 'DEALLOCATE')
}

/** Closes prepared statements of one client; those of the others have other names. */
export async function closeStatements(shared: Shared, member: Member, names: string[]): Promise<void> {
  const messages = closeMessages(member.prepared, names)
  if (messages.length === 0) return
  const hadTurn = shared.turns.holder() === member
  await shared.turns.take(member)
  try {
    await shared.session().exchange([...messages, sync], ignored, 1)
  } finally {
    if (!hadTurn) shared.turns.give(member)
  }
}

async function discardAll(shared: Shared, member: Member): Promise<boolean> {
  if (member.status !== 'I') {
    refuse(member, { code: '25001', message: 'DISCARD ALL cannot run inside a transaction block' })
    if (member.status === 'T') await failTransaction(shared, member)
    return true
  }
  await closeStatements(shared, member, [...member.prepared.statements.keys()])
  member.channels.clear()
  member.settings.clear()
  for (const [name, value] of member.initial) member.settings.set(name, value)
  shared.settings.forget()
  return answer(member, 'DISCARD ALL')
}
