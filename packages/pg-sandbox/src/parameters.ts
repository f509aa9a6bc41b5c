import { escapeLiteral } from './pg.js'
import type { Member } from './member.js'
import { beginUnit, type Shared } from './shared.js'
import type { Meaning } from './statements.js'
import { answer, startTransaction, tell } from './transactions.js'
import { finishUnit, runPlain, type Command } from './units.js'

export async function setModes(
  shared: Shared,
  member: Member,
  command: Command,
  modes: Extract<Meaning, { kind: 'modes' }>['modes'],
): Promise<boolean> {
  if (member.status === 'T' && !member.started) {
    member.modes = { ...member.modes, ...modes }
    return answer(member, 'SET')
  }
  return runPlain(shared, member, command)
}

export async function setParameters(
  shared: Shared,
  member: Member,
  command: Command,
  meaning: Extract<Meaning, { kind: 'set' }>,
): Promise<boolean> {
  const begun = await beforeSet(shared, member, meaning)
  const failed = begun
    ? await finishUnit(shared, member, await command.run([], command.text, 0, true))
    : await runPlain(shared, member, command)
  return failed || (meaning.reset && (await backToStartUp(shared, member, meaning.names)))
}

/** For the server RESET goes back to its own defaults, and for the client to what it said at its start-up. */
async function backToStartUp(shared: Shared, member: Member, names: string[]): Promise<boolean> {
  const values = [...member.initial].filter(([name]) => names.length === 0 || names.includes(name))
  if (values.length === 0) return false
  if (member.status === 'I') {
    for (const [name, value] of values) member.settings.set(name, value)
    shared.settings.forget()
    return false
  }
  return tell(
    shared,
    member,
    values.map(
      ([name, value]) => `SELECT pg_catalog.set_config(${escapeLiteral(name)}, ${escapeLiteral(value)}, false)`,
    ),
  )
}

/**
 * Remembers what will have to be put back. SET LOCAL lasts until the client's COMMIT, and the shared transaction goes
 * on: so the value that stood before is read first, and comes back then.
 *
 * @returns whether a unit was begun for it
 */
export async function beforeSet(
  shared: Shared,
  member: Member,
  { names, local }: Extract<Meaning, { kind: 'set' }>,
): Promise<boolean> {
  if (!local) {
    for (const name of names.length > 0 ? names : member.settings.keys()) {
      member.touched.add(name)
      member.locals.delete(name)
    }
    return false
  }
  if (member.status === 'E') return false
  const begins = member.status === 'I' && shared.turns.holder() !== member
  const before =
    member.status === 'T' ? await startTransaction(shared, member) : begins ? await beginUnit(shared, member) : []
  if (before.length > 0) await shared.run(before.join('; '))
  const unknown = names.filter(name => !member.locals.has(name))
  for (const [name, value] of await shared.settings.read(unknown)) member.locals.set(name, value)
  return begins
}
