import { closeAll, closeStatements } from './close-names.js'
import type { Member } from './member.js'
import { report, type Report } from './messages.js'
import { notifyListeners } from './notifications.js'
import { refuseCursor, runCursor } from './cursors.js'
import { withOwnNames } from './own-names.js'
import { setModes, setParameters } from './parameters.js'
import { runSavepoint } from './savepoints.js'
import type { Shared } from './shared.js'
import type { Meaning } from './statements.js'
import { dropTemporary, rememberTemporary } from './temporary-tables.js'
import { answer, begin, commit, failTransaction, refuse, refuseTwoPhases, rollback } from './transactions.js'
import { nameIfInVain, runInVain, runPlain, type Command } from './units.js'

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
  const name = nameIfInVain(meaning)
  if (name !== undefined && member.status === 'I') return runInVain(shared, member, command, name)
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
      if (meaning.kind === 'savepoint') return runSavepoint(shared, member, command, meaning)
      if (meaning.cursor !== undefined && member.status === 'T') {
        if (member.holdCursors.has(meaning.cursor)) return refuseCursor(shared, member, meaning.cursor)
        member.cursors.add(meaning.cursor)
      }
      return runPlain(shared, member, command)
    case 'holdCursor':
    case 'fetch':
    case 'closeCursor':
      return runCursor(shared, member, command, meaning)
    case 'modes':
      return setModes(shared, member, command, meaning.modes)
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
  meaning: Extract<Meaning, { kind: 'temporary' }>,
): Promise<boolean> {
  const run: Command['run'] = async (...asked) => {
    const outcome = await command.run(...asked)
    if (!outcome.failed) await rememberTemporary(shared, member, meaning)
    return outcome
  }
  return runPlain(shared, member, { ...command, run })
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
  if (kind === 'execute' && known?.serverName === '' && member.status !== 'E') {
    return runCommand(shared, member, { ...command, text: known.text, meaning: known.meaning! })
  }
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

async function discardAll(shared: Shared, member: Member): Promise<boolean> {
  if (member.status !== 'I') {
    refuse(member, { code: '25001', message: 'DISCARD ALL cannot run inside a transaction block' })
    if (member.status === 'T') await failTransaction(shared, member)
    return true
  }
  await closeAll(shared, member)
  await dropTemporary(shared, member)
  shared.turns.give(member)
  member.channels.clear()
  member.settings.clear()
  for (const [name, value] of member.initial) member.settings.set(name, value)
  shared.settings.forget()
  // What it is told of has changed, although the session has not yet.
  member.reportedChange = -1
  return answer(member, 'DISCARD ALL')
}
