import { escapeLiteral } from './pg.js'
import { now } from './clock.js'
import { closePortals } from './close-names.js'
import { explain, notInSandbox } from './explain.js'
import { empty, type Member } from './member.js'
import { commandComplete, query, report, type Report } from './messages.js'
import { notifyListeners } from './notifications.js'
import { refuseMisreading } from './reading.js'
import { countFailure, countTime } from './counting.js'
import { beginUnit, undoUnit, type Shared } from './shared.js'
import type { Modes } from './statements.js'
import { temporaryAtCommit } from './temporary-tables.js'

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
  const modes = chain ? await modesToHandOn(shared, member) : undefined
  if (member.started) {
    if (await endFails(shared, member)) {
      await undoUnit(shared, member)
      await end(shared, member)
      return true
    }
  }
  const notifications = member.notifications.splice(0)
  await finish(shared, member, 'COMMIT', modes)
  notifyListeners(shared, member, notifications)
  return false
}

export async function rollback(shared: Shared, member: Member, chain: boolean): Promise<boolean> {
  if (member.status === 'I' || member.implicit) {
    if (withoutTransaction(member, 'ROLLBACK', chain)) return true
    if (!member.implicit) return answer(member, 'ROLLBACK')
  }
  const modes = chain ? await modesToHandOn(shared, member) : undefined
  if (member.started) await undoUnit(shared, member)
  await finish(shared, member, 'ROLLBACK', modes)
  return false
}

/** For AND CHAIN. */
async function modesToHandOn(shared: Shared, member: Member): Promise<Modes> {
  // One that has failed hands none on: the server has forgotten them by then.
  if (member.status === 'E') return {}
  if (!member.started) return member.modes
  const values = await shared.settings.read(['transaction_read_only'])
  return { ...member.modes, readOnly: values.get('transaction_read_only') === 'on' }
}

/** @param chained the modes of the transaction that follows at once, if one does */
async function finish(shared: Shared, member: Member, tag: string, chained: Modes | undefined): Promise<void> {
  await end(shared, member)
  if (chained) {
    member.status = 'T'
    member.modes = chained
  }
  member.send(commandComplete(tag))
}

/** The client is in no transaction any more, whatever has become of it. */
export async function end(shared: Shared, member: Member): Promise<void> {
  outside(member)
  await closePortals(shared, member)
  await endUnit(shared, member)
}

export function outside(member: Member): void {
  member.status = 'I'
  member.started = false
  member.implicit = false
  member.modes = {}
  member.savepoints.length = 0
}

/** After a unit: reads what the client has set, closes what it has left open, and gives the turn on. */
export function endUnit(shared: Shared, member: Member): Promise<void> | undefined {
  forgetUnit(member)
  if (shared.turns.holder() !== member) return undefined
  if (member.touched.size > 0) return shared.settings.capture(member).finally(() => shared.turns.give(member))
  shared.turns.give(member)
  return undefined
}

/** What was to last until the end of a unit. */
export function forgetUnit(member: Member): void {
  empty(member.locals)
  empty(member.heldInUnit)
  member.notifications.length = 0
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
  const session = shared.session()
  const start = now()
  await session.exchange([query(sql.join('; '))], sink, 1)
  countTime(shared, start)
  if (failed) countFailure(shared)
  refuseMisreading(session)
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
  if (broken && member.started) await undoUnit(shared, member)
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
export function endFails(shared: Shared, member: Member): Promise<boolean> | false {
  const check = shared.constraints.check()
  if (check.length + member.locals.size + member.temporary.size === 0) return false
  return tellEnd(shared, member, check)
}

async function tellEnd(shared: Shared, member: Member, check: string[]): Promise<boolean> {
  if (await tell(shared, member, check)) return true
  const ending = endOfTransaction(member)
  if (ending.length === 0) return false
  // Out of READ ONLY, which would not let temporary tables be dropped.
  await shared.run([...shared.ground.settle(), ...ending].join('; '))
  return false
}

/** What a COMMIT ends beside the transaction: what was set to last until then, and rows of temporary tables. */
function endOfTransaction(member: Member): string[] {
  for (const name of member.locals.keys()) member.touched.add(name)
  return [
    ...[...member.locals].map(
      ([name, value]) => `SELECT pg_catalog.set_config(${escapeLiteral(name)}, ${escapeLiteral(value ?? '')}, false)`,
    ),
    ...temporaryAtCommit(member),
  ]
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
