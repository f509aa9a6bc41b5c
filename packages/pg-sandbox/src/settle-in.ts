import type { Greeting } from './log-in.js'
import { maintain } from './maintain.js'
import type { Member } from './member.js'
import { int32, message, readyForQuery } from './messages.js'
import type { ServerSession } from './server-session.js'
import { reportParameters } from './settings.js'
import type { Shared } from './shared.js'

/** As a server checks it at the log-in: with a name that is none, every RESET of it would fail later. */
export async function unknownParameter(shared: Shared, names: string[]): Promise<string | undefined> {
  const doubtful = names.filter(
    name => !usuallyAsked.has(name.toLowerCase()) && !/^[a-z_][\w$]*(?:\.[a-z_][\w$]*)+$/i.test(name),
  )
  if (doubtful.length === 0) return undefined
  const known = new Set<string | null>()
  await maintain(shared, async query => {
    for (const [name] of await query('SELECT lower(name) FROM pg_catalog.pg_settings')) known.add(name!)
  })
  return doubtful.find(name => !known.has(name.toLowerCase()))
}

/** What drivers ask for, so that most clients need not be looked up; and what is not in the view. */
const usuallyAsked = new Set([
  'application_name', 'client_encoding', 'client_min_messages', 'datestyle', 'extra_float_digits',
  'idle_in_transaction_session_timeout', 'intervalstyle', 'is_superuser', 'lock_timeout', 'role', 'search_path',
  'session_authorization', 'standard_conforming_strings', 'statement_timeout', 'timezone',
]) // prettier-ignore

/** What the client has asked for at its start-up, where the session does not have it anyway. */
export function setUp(member: Member, greeting: Greeting, role: string | undefined, session: ServerSession): void {
  const known = new Map([...session.parameters].map(([name, value]) => [name.toLowerCase(), value]))
  for (const [name, value] of greeting.settings) {
    if (known.get(name.toLowerCase()) !== value) member.settings.set(name.toLowerCase(), value)
  }
  if (role !== undefined) member.settings.set('role', role)
  for (const [name, value] of member.settings) member.initial.set(name, value)
}

/** What a server says after the log-in. */
export function introduce(member: Member, session: ServerSession, key: number): void {
  member.send(message('R', int32(0)))
  reportParameters(member, session)
  member.send(message('K', int32(member.processId), int32(key)))
  member.send(readyForQuery('I'))
}
