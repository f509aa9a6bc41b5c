import type { Member } from './member.js'
import { query } from './messages.js'
import { beginUnit, relay, undoUnit, type Outcome, type Shared } from './shared.js'
import type { Meaning } from './statements.js'
import { endFails, endUnit, startTransaction, warn } from './transactions.js'

/** One statement of a client. */
export interface Command {
  /** Its own text, without its neighbours'. */
  text: string
  meaning: Meaning
  /** Where it begins in what the client sent. */
  offset: number
  /** How the server is asked to run it; `shift` is how much longer the client's text is, for positions in errors. */
  run(before: string[], text: string, shift?: number, holdTag?: boolean): Promise<Outcome>
}

/** In the client's transaction, or as a unit of its own. */
export async function runPlain(
  shared: Shared,
  member: Member,
  command: Command,
  text = command.text,
): Promise<boolean> {
  if (member.status !== 'I') return (await runIn(member, command, await startTransaction(shared, member), text)).failed
  const before = await beginUnit(shared, member)
  return finishUnit(shared, member, await command.run(before, text, command.text.length - text.length, true))
}

/** The server tells whether the client's transaction has failed: its own status is the client's. */
async function runIn(member: Member, command: Command, before: string[], text: string): Promise<Outcome> {
  const outcome = await command.run(before, text, command.text.length - text.length)
  member.status = outcome.status
  return outcome
}

/** The name of what lasts to the end of its transaction, and is done for nothing where there is none. */
export function nameIfInVain(meaning: Meaning): string | undefined {
  if (meaning.kind === 'modes') return 'SET TRANSACTION'
  if (meaning.kind === 'constraints') return 'SET CONSTRAINTS'
  return meaning.kind === 'set' && meaning.local && !meaning.isFunction ? 'SET LOCAL' : undefined
}

export function warnInVain(member: Member, name: string): void {
  warn(member, '25P01', `${name} can only be used in transaction blocks`)
}

export async function runInVain(shared: Shared, member: Member, command: Command, name: string): Promise<boolean> {
  warnInVain(member, name)
  const { failed, tag } = await command.run(await beginUnit(shared, member), command.text, 0, true)
  await undoUnit(shared, member)
  await endUnit(shared, member)
  if (tag) member.send(tag)
  return failed
}

/**
 * Ends a unit that is no transaction of the client's: what is deferred to its end happens now, before the client hears
 * that its statement is done.
 */
export function finishUnit(shared: Shared, member: Member, { failed, tag }: Outcome): Promise<boolean> | boolean {
  const fails = failed || endFails(shared, member)
  if (fails !== false) return finishInDoubt(shared, member, tag, fails)
  if (tag) member.send(tag)
  return endUnit(shared, member)?.then(() => false) ?? false
}

async function finishInDoubt(
  shared: Shared,
  member: Member,
  tag: Buffer | undefined,
  fails: Promise<boolean> | true,
): Promise<boolean> {
  const broken = await fails
  if (broken) await undoUnit(shared, member)
  else if (tag) member.send(tag)
  await endUnit(shared, member)
  return broken
}

/** A statement as a simple query. */
export function simpleRun(shared: Shared, member: Member, offset: number): Command['run'] {
  return (before, text, shift = 0, holdTag = false) =>
    relay(shared, member, [query(text)], { before, holdTag, offset: offset + shift })
}
