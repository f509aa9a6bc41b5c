import { frameCollector } from './replies.js'
import type { Member } from './member.js'
import { int32, message, sync } from './messages.js'
import { parseMessage } from './prepared.js'
import { forgetState, type Shared } from './shared.js'

/** Runs one statement, its parameters as texts; the rows of its result, as texts. */
export type MaintenanceQuery = (text: string, values?: readonly string[]) => Promise<(string | null)[][]>

/** What is done with the session between two scopes. Awaits what it asks for. */
export type Maintenance = (query: MaintenanceQuery) => Promise<unknown>

/**
 * Lends the session out between two units, under a savepoint that is rolled back in any case: so it works in the midst of
 * scopes too, and leaves only what PostgreSQL never undoes.
 */
export async function maintain(shared: Shared, work: Maintenance): Promise<void> {
  await shared.turns.take(shared.self, { first: true })
  try {
    await lend(shared, work)
  } finally {
    shared.turns.give(shared.self)
  }
}

/** The same for who has the turn. */
export async function lend(shared: Shared, work: Maintenance): Promise<void> {
  await shared.run(['SAVEPOINT sandbox_maintains', ...shared.settings.switchTo(nobody())].join('; '))
  try {
    await work((text, values = []) => runOne(shared, text, values))
  } finally {
    await shared.run('ROLLBACK TO SAVEPOINT sandbox_maintains; RELEASE SAVEPOINT sandbox_maintains')
    forgetState(shared)
  }
}

/** With it, the session has the settings of its log-in, whichever client's role it had before. */
const nobody = () => ({ settings: new Map<string, string>() }) as Member

async function runOne(shared: Shared, text: string, values: readonly string[]): Promise<(string | null)[][]> {
  const replies = frameCollector()
  const bytes = values.map(value => Buffer.from(value))
  const bind = message(
    'B', '', '', int16(0), int16(bytes.length), ...bytes.flatMap(value => [int32(value.length), value]), int16(0),
  ) // prettier-ignore
  shared.unnamedOwner = undefined
  const messages = [parseMessage('', text, int16(0)), bind, message('E', '', int32(0)), sync]
  await shared.session().exchange(messages, replies, 1)
  return replies.results()[0] ?? []
}

function int16(number: number): Buffer {
  const bytes = Buffer.allocUnsafe(2)
  bytes.writeInt16BE(number)
  return bytes
}
