import { escapeIdentifier, escapeLiteral } from 'pg'
import { explain, notInSandbox } from './explain.js'
import type { Member } from './member.js'
import { commandComplete, query, report, type Report } from './messages.js'
import { notifyListeners } from './notifications.js'
import { closeMessage } from './prepared.js'
import { ignored } from './server-session.js'
import { beginUnit, countFailure, undoUnit, type Shared } from './shared.js'
import { sync } from './messages.js'
import type { Modes } from './statements.js'

/*
 * What a client's own BEGIN, COMMIT and ROLLBACK become in the shared transaction. Each answers the client as a server
 * of its own would: with a command's tag, a warning or an error. ReadyForQuery is the caller's.
 */

/**
 * The turn is not taken yet: a transaction that has done nothing is in nobody's way. In a text of several statements, what
 * stands before BEGIN belongs to the transaction that it begins.
 */
export async function begin(shared: Shared, member: Member, tag: string, modes: Modes): Promise<boolean> {
  if (member.status === 'I') {
    member.status = 'T'
    member.started = false
    member.modes = modes
  } else {
    if (!member.implicit) warn(member, '25001', 'there is already a transaction in progress')
    member.implicit = false
    if (!member.started) member.modes = { ...member.modes, ...modes }
    else if (await tell(shared, member, setTransaction(modes))) {
      member.status = 'E'
      return true
    }
  }
  member.send(commandComplete(tag))
  return false
}

function setTransaction({ readOnly, isolation }: Modes): string[] {
  return [
    ...(isolation === undefined ? [] : [`SET TRANSACTION ISOLATION LEVEL ${isolation}`]),
    ...(readOnly === undefined ? [] : [`SET TRANSACTION READ ${readOnly ? 'ONLY' : 'WRITE'}`]),
  ]
}

/**
 * Begins the unit that is the client's transaction, before its first statement that needs the server.
 *
 * @returns what has to run in front of the statement
 */
export async function startTransaction(shared: Shared, member: Member): Promise<string[]> {
  if (member.started) {
    const point = shared.ground.goOn()
    return point === null ? [] : [point]
  }
  // Its savepoint takes READ ONLY back when it is released, and is there before anybody sets it later.
  const before = await beginUnit(shared, member, { guarded: true })
  member.started = true
  // The isolation level cannot be set any more. With one session there is nobody to be isolated from.
  return before
}

/** @returns whether it has failed: a deferred constraint, for instance */
export async function commit(shared: Shared, member: Member, chain: boolean): Promise<boolean> {
  if (member.status === 'I' || member.implicit) {
    if (withoutTransaction(member, 'COMMIT', chain)) return true
    if (!member.implicit) return answer(member, 'COMMIT')
  }
  if (member.status === 'E') return rollback(shared, member, chain)
  if (member.started) {
    if (await endFails(shared, member)) {
      await undoUnit(shared)
      await end(shared, member)
      return true
    }
  }
  const notifications = member.notifications.splice(0)
  await finish(shared, member, chain, 'COMMIT')
  notifyListeners(shared, member, notifications)
  return false
}

export async function rollback(shared: Shared, member: Member, chain: boolean): Promise<boolean> {
  if (member.status === 'I' || member.implicit) {
    if (withoutTransaction(member, 'ROLLBACK', chain)) return true
    if (!member.implicit) return answer(member, 'ROLLBACK')
  }
  for (const name of member.heldInTransaction) member.holdCursors.delete(name)
  if (member.started) await undoUnit(shared)
  await finish(shared, member, chain, 'ROLLBACK')
  return false
}

async function finish(shared: Shared, member: Member, chain: boolean, tag: string): Promise<void> {
  // One that has failed hands no modes on: the server has forgotten them by then.
  const modes = member.status === 'E' ? {} : member.modes
  await end(shared, member)
  if (chain) {
    member.status = 'T'
    member.modes = modes
  }
  member.send(commandComplete(tag))
}

/** The client is in no transaction any more, whatever has become of it. */
export async function end(shared: Shared, member: Member): Promise<void> {
  outside(member)
  await closePortals(shared, member)
  await endUnit(shared, member)
}

function outside(member: Member): void {
  member.status = 'I'
  member.started = false
  member.implicit = false
  member.modes = {}
  member.heldInTransaction.clear()
}

/** After a unit: reads what the client has set, closes what it has left open, and gives the turn on. */
export async function endUnit(shared: Shared, member: Member): Promise<void> {
  member.locals.clear()
  member.notifications.length = 0
  if (shared.turns.holder() !== member) return
  try {
    await shared.settings.capture(member)
  } finally {
    shared.turns.give(member)
  }
}

/** Statements of ours in the client's name; an error goes to the client. */
export async function tell(shared: Shared, member: Member, sql: string[]): Promise<boolean> {
  if (sql.length === 0) return false
  let failed = false
  const sink = {
    frame({ type, bytes }: { type: string; bytes: Buffer }) {
      // Deferred triggers may have something to say.
      if (type === 'N') member.send(bytes)
      if (type !== 'E') return
      failed = true
      member.send(explain(bytes, member, 0))
    },
    part() {},
  }
  shared.unnamedOwner = undefined
  await shared.session().exchange([query(sql.join('; '))], sink, 1)
  if (failed) countFailure(shared)
  return failed
}

/** Outside of a transaction COMMIT and ROLLBACK only warn; with AND CHAIN they are an error. */
function withoutTransaction(member: Member, tag: string, chain: boolean): boolean {
  if (chain) {
    refuse(member, { code: '25P01', message: `${tag} AND CHAIN can only be used in transaction blocks` })
    return true
  }
  warn(member, '25P01', 'there is no transaction in progress')
  return false
}

export function answer(member: Member, tag: string): false {
  member.send(commandComplete(tag))
  return false
}

/**
 * Ends the transaction of the statements of one text or batch, of which the client knows nothing.
 *
 * @returns whether it has failed after all, by what was deferred to its end
 */
export async function endImplicit(shared: Shared, member: Member, state: { failed: boolean }): Promise<boolean> {
  const broken = await settleImplicit(shared, member, state)
  await closePortals(shared, member)
  return broken
}

/** The same, but its portals stay open: the client goes on to read from them. */
export async function settleImplicit(
  shared: Shared,
  member: Member,
  { failed }: { failed: boolean },
): Promise<boolean> {
  const broken = failed || (member.started && (await endFails(shared, member)))
  if (broken) {
    for (const name of member.heldInTransaction) member.holdCursors.delete(name)
    if (member.started) await undoUnit(shared)
  }
  const notifications = broken ? [] : member.notifications.splice(0)
  outside(member)
  await endUnit(shared, member)
  notifyListeners(shared, member, notifications)
  return broken
}

/**
 * What happens at a COMMIT: deferred constraints are checked, and what was to last until then ends.
 *
 * @returns whether a constraint does not hold; the client has been told
 */
export async function endFails(shared: Shared, member: Member): Promise<boolean> {
  if (await tell(shared, member, shared.constraints.check())) return true
  const ending = endOfTransaction(member)
  if (ending.length === 0) return false
  // Out of READ ONLY, which would not let temporary tables be dropped.
  await shared.run([...shared.ground.settle(), ...ending].join('; '))
  return false
}

/** What a COMMIT ends beside the transaction: what was set to last until then, and rows of temporary tables. */
function endOfTransaction(member: Member): string[] {
  if (member.locals.size + member.temporary.size === 0) return []
  for (const name of member.locals.keys()) member.touched.add(name)
  return [
    ...[...member.locals].map(
      ([name, value]) => `SELECT pg_catalog.set_config(${escapeLiteral(name)}, ${escapeLiteral(value ?? '')}, false)`,
    ),
    ...[...member.temporary].flatMap(([name, onCommit]) => {
      if (onCommit === 'drop') member.temporary.delete(name)
      return onCommit === 'keep' ? [] : [atCommit(name, onCommit)]
    }),
  ]
}

/** It may be gone: dropped, or rolled back to before it was made. */
function atCommit(name: string, onCommit: 'empty' | 'drop'): string {
  const table = `pg_temp.${escapeIdentifier(name)}`
  if (onCommit === 'drop') return `DROP TABLE IF EXISTS ${table}`
  const code = `BEGIN IF pg_catalog.to_regclass(${escapeLiteral(table)}) IS NOT NULL THEN DELETE FROM ${table}; END IF; END`
  return `DO ${escapeLiteral(code)}`
}

/** Temporary tables go with their client. */
export function temporaryDrops(member: Member): string[] {
  return [...member.temporary.keys()].map(name => atCommit(name, 'drop'))
}

/** On a server of the client's own they would end with its transaction; here they would pin tables. */
export async function closePortals(shared: Shared, member: Member): Promise<void> {
  const { openPortals, controlPortals } = member.prepared
  controlPortals.clear()
  member.prepared.unnamedPortal = ''
  if (openPortals.size + member.cursors.size === 0 || shared.session().lost()) return
  // Cursors of SQL are portals too, and to close one that a rollback has taken is no error by a message.
  const messages = [...openPortals, ...member.cursors].map(name => closeMessage('P', name))
  openPortals.clear()
  member.cursors.clear()
  const hadTurn = shared.turns.holder() === member
  await shared.turns.take(member)
  try {
    await shared.session().exchange([...messages, sync], ignored, 1)
  } finally {
    if (!hadTurn) shared.turns.give(member)
  }
}

/**
 * PREPARE TRANSACTION would take the shared transaction away from everybody. The server itself raises the error, so that
 * the client's transaction fails as it would have failed there.
 */
export async function refuseTwoPhases(shared: Shared, member: Member): Promise<void> {
  const hint = notInSandbox('It would take the shared transaction away from all its clients.')
  if (member.status === 'I') {
    refuse(member, { code: '25P01', message: 'PREPARE TRANSACTION can only be used in transaction blocks', hint })
    return
  }
  const before = await startTransaction(shared, member)
  const raise = `DO $sandbox$ BEGIN RAISE EXCEPTION USING ERRCODE = '0A000',
    MESSAGE = 'a sandbox has no two-phase commit', HINT = ${escapeLiteral(hint)}; END $sandbox$`
  await tell(shared, member, [...before, raise])
  member.status = 'E'
}

/** Statements of one transaction share its fate, also where the error was found here. */
export async function failTransaction(shared: Shared, member: Member): Promise<void> {
  const before = await startTransaction(shared, member)
  if (before.length > 0) await shared.run(before.join('; '))
  await shared.run('sandbox_fails_this_transaction').catch(() => {})
  member.status = 'E'
}

export function refuse(member: Member, error: Omit<Report, 'severity'>): void {
  member.send(report({ severity: 'ERROR', ...error }))
}

export function warn(member: Member, code: string, message: string): void {
  member.send(report({ severity: 'WARNING', code, message }))
}
