import { waitWhile } from './clock.js'
import { addTally, footprintOf, type Footprint } from './footprint.js'
import { detailsAround } from './footprint-details.js'
import { lastStatement, type Member } from './member.js'
import { clearLeftovers } from './leftovers.js'
import { keepWrites } from './keep-writes.js'
import { letGo } from './pace.js'
import { forgetState, type Shared } from './shared.js'
import { forgetUnit, outside } from './transactions.js'

interface ScopeEnd {
  detailed: boolean
  /** How long statements that still run are waited for, in milliseconds. */
  patience: number
  /** Commits the shared transaction, and goes on with another session; instead of putting back what was written. */
  commit?: (() => Promise<void>) | undefined
}

/**
 * Ends the innermost scope: waits for what still runs, ends transactions that were left open, and puts all back that was
 * written in it, or commits it.
 */
export async function leaveScope(shared: Shared, { patience, detailed, commit }: ScopeEnd): Promise<Footprint> {
  const inFlight = runningClient(shared) ? await endStragglers(shared, patience) : []
  const tally = shared.tallies.pop()!
  const outer = shared.tallies.at(-1)
  if (outer) addTally(outer, tally)
  const footprint = footprintOf(tally)
  footprint.inFlight.push(...inFlight)
  const holder = shared.turns.holder()
  // It is about to be ended, and must not make an end by itself because somebody else asks for the turn.
  if (holder) shared.turns.idle(holder, false)
  const turn = shared.turns.take(shared.self, { first: true })
  const failed = abandonAll(shared, footprint)
  if (turn) await turn
  const keeps = commit && !shared.session().lost() && shared.ground.used().includes(true)
  try {
    // A client's transaction that has failed is at an end, and would take all else with it.
    if (keeps && failed.length > 0) await shared.run(shared.ground.undo())
    const endWrites = () => (keeps ? keep(shared, footprint, { failed, commit }) : putBack(shared))
    if (detailed) footprint.details = await detailsAround(shared, tally.texts, endWrites)
    else await endWrites()
    // What the outer scopes wrote would be counted too.
    if (footprint.details && footprint.kept?.emptied.includes(true)) footprint.details.rowsByTable = undefined
    return footprint
  } finally {
    shared.turns.give(shared.self)
  }
}

/**
 * Ends the transactions that clients have left open.
 *
 * @returns those that have failed
 */
function abandonAll(shared: Shared, footprint: Footprint): Footprint['openTransactions'] {
  const failed: Footprint['openTransactions'] = []
  for (const member of shared.members) {
    footprint.clients.push(member.label)
    if (member.status === 'I') continue
    const open = { client: member.label, statement: lastStatement(member) }
    footprint.openTransactions.push(open)
    if (member.status === 'E') failed.push(open)
    abandon(shared, member, footprint.scope)
  }
  return failed
}

async function keep(
  shared: Shared,
  footprint: Footprint,
  { failed, commit }: { failed: Footprint['openTransactions']; commit: () => Promise<void> },
): Promise<void> {
  try {
    footprint.kept = { withoutTransactions: failed, ...(await keepWrites(shared, commit)) }
  } finally {
    await putBack(shared)
  }
}

function putBack(shared: Shared): Promise<void> | undefined {
  const depth = shared.ground.scopes()
  const undo = shared.ground.leave()
  const session = shared.session()
  if (session.lost()) return undefined
  if (undo !== null) {
    // The next statement is answered behind it: so nobody has to wait for it here.
    session.post(undo, session.abandon)
    forgetState(shared)
  }
  return clearLeftovers(shared, depth)
}

/** Whose statement runs. */
function runningClient(shared: Shared): Member | undefined {
  return shared.session().busy() ? shared.turns.holder() : undefined
}

/** A statement that its test did not wait for gets a moment to end by itself; then it is cancelled. */
async function endStragglers(shared: Shared, patience: number): Promise<Footprint['inFlight']> {
  const running = () => runningClient(shared)
  await waitWhile(running, patience)
  const late = running()
  if (!late) return []
  const cancelled = { client: late.label, statement: lastStatement(late), cancelled: true }
  letGo(shared.session(), late)
  await shared.session().cancel()
  // An exception handler may catch it (manual, section 41.6.8).
  await waitWhile(running, patience * 10)
  if (running()) shared.session().abandon(`a statement could not be cancelled: ${cancelled.statement}`)
  late.hurried = false
  return [cancelled]
}

function abandon(shared: Shared, member: Member, scope: string): void {
  member.orphaned = { scope, statement: lastStatement(member) }
  outside(member)
  forgetUnit(member)
  member.cursors.clear()
  member.prepared.openPortals.clear()
  member.prepared.controlPortals.clear()
  shared.turns.give(member)
}
