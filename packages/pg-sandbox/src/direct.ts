import { escapeIdentifier, escapeLiteral } from './pg.js'
import { isControl, meaningOf } from './bound-meaning.js'
import { waitWhile } from './clock.js'
import { openDirectSession, type DirectSession } from './direct-session.js'
import type { Footprint } from './footprint.js'
import type { Frame } from './frames.js'
import { lastStatement, type Member } from './member.js'
import { withOwnNames } from './own-names.js'
import { report } from './messages.js'
import { noParameters, parseMessage, readParse } from './prepared.js'
import { reportParameters } from './settings.js'
import type { Shared } from './shared.js'

/** The database of a scope in which clients talk to sessions of their own. */
export interface Place {
  /** Its URL, asked for once something is sent. */
  url(): Promise<string>
  /** It is to be asked for anew. */
  forget(): void
}

/**
 * Hands a message of a client on to its own session, if that is where it goes: a client that is in the midst of something goes
 * on where it is, and else the innermost scope says where. What a session knows of its client moves along.
 *
 * @returns false where it goes to the shared session
 */
export async function goesDirectly(shared: Shared, member: Member, frame: Frame): Promise<boolean> {
  const { direct } = member
  const place = shared.place()
  // What it left open was ended with its scope, and it has to be told.
  if (member.orphaned) return false
  if (direct && !direct.atRest()) {
    await direct.forward(frame)
    return true
  }
  try {
    const url = await place?.url()
    if (direct && direct.url !== url) await detach(shared, member)
    if (url === undefined) return false
    const session = member.direct ?? (await attach(shared, member, url))
    await session.forward(frame)
  } catch (error) {
    member.send(report({ severity: 'FATAL', code: '08001', message: (error as Error).message }))
    member.end()
  }
  return true
}

async function attach(shared: Shared, member: Member, url: string): Promise<DirectSession> {
  const { whenFull, findProblem } = shared.sessionOptions
  const session = await openDirectSession(shared, member, { url, whenFull, findProblem, onLost })
  member.direct = session
  const settings = [...member.settings].filter(
    ([name, value]) => name === 'client_encoding' || member.initial.get(name) !== value,
  )
  const statements = [
    ...settings.map(
      ([name, value]) => `select pg_catalog.set_config(${escapeLiteral(name)}, ${escapeLiteral(value)}, false)`,
    ),
    ...[...member.channels.keys()].map(channel => `listen ${escapeIdentifier(channel)}`),
  ]
  if (statements.length > 0) await session.run(statements.join('; '))
  const { statements: prepared } = member.prepared
  const named = [...prepared].filter(([name, { scope }]) => name !== '' && scope === undefined)
  await session.prepare(
    named.map(([name, { text, parse }]) => ({
      name,
      text,
      types: parse.length > 0 ? readParse(parse).types : noParameters,
    })),
  )
  return session

  /** A test may end a session, and its client hears of it as from a server. What we ended is no news to anybody. */
  function onLost(lost: DirectSession, lastWords: Buffer | undefined): void {
    if (member.direct !== lost) return
    member.direct = undefined
    if (shared.isLeaving && lost.atRest()) return
    if (lastWords) member.send(lastWords)
    member.end()
  }
}

/** Ends a client's own session, and remembers what belongs to the client. Only for one that is at rest. */
async function detach(shared: Shared, member: Member): Promise<void> {
  const { direct: session } = member
  if (!session) return
  member.direct = undefined
  const custom = [...session.customParameters].map(
    name => `select ${escapeLiteral(name.toLowerCase())}, current_setting(${escapeLiteral(name)}, true)`,
  )
  const [settings = [], channels = []] = await session.run(
    [
      ["select lower(name), setting from pg_catalog.pg_settings where source = 'session'", ...custom].join(
        ' union all ',
      ),
      'select pg_catalog.pg_listening_channels()',
    ].join('; '),
  )
  for (const [name, value] of settings) if (value !== null) member.settings.set(name!, value!)
  member.channels.clear()
  for (const [channel] of channels) member.channels.set(channel!, 0)
  await session.close()
  for (const [name, { text, types }] of session.parsed) {
    const meaning = await meaningOf(text)
    const serverName = isControl(meaning) ? '' : member.prepared.newStatement(name)
    const own = meaning ? withOwnNames(member, text, meaning) : text
    const parse = isControl(meaning) ? Buffer.alloc(0) : parseMessage(serverName, own, types)
    member.prepared.statements.set(name, { text, meaning, parse, serverName })
  }
  // Another one may have told it other values.
  reportParameters(member, shared.session())
}

/** Ends what clients have left open in their own sessions: what runs gets a moment, and is then cancelled. */
export async function endOpenWork(
  shared: Shared,
  patience: number,
): Promise<Pick<Footprint, 'openTransactions' | 'inFlight' | 'advisoryLocks'>> {
  const open: Awaited<ReturnType<typeof endOpenWork>> = { openTransactions: [], inFlight: [], advisoryLocks: [] }
  const directs = [...shared.members].flatMap(member => (member.direct ? [{ member, session: member.direct }] : []))
  const running = () => directs.some(({ session }) => session.busy())
  if (running()) await waitWhile(running, patience)
  for (const { member, session } of directs) {
    const left = { client: member.label, statement: lastStatement(member) }
    if (session.busy()) {
      open.inFlight.push({ ...left, cancelled: true })
      await session.hasten()
      await waitWhile(() => session.busy(), patience)
      member.hurried = false
    }
    if (!session.atRest()) {
      open.openTransactions.push(left)
      member.orphaned = { scope: shared.tallies.at(-1)?.scope ?? '', statement: left.statement }
      await endTransaction(shared, member, session)
    }
    if (session.takesLocks() && member.direct === session && (await giveLocksBack(session)))
      open.advisoryLocks.push(left)
  }
  return open
}

async function endTransaction(shared: Shared, member: Member, session: DirectSession): Promise<void> {
  if (session.unsynced() || session.busy()) {
    member.direct = undefined
    await session.close()
  } else await session.run('rollback')
  shared.direct.traceless += 1
}

async function giveLocksBack(session: DirectSession): Promise<boolean> {
  const [[[held]]] = (await session.run(
    `select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid();
     select pg_catalog.pg_advisory_unlock_all()`,
  )) as [[[string]]]
  return held !== '0'
}

/** Whatever it runs. */
export async function closeNow(session: DirectSession): Promise<void> {
  if (session.busy()) await session.hasten()
  await session.close()
}

/** Ends all sessions that clients have of their own. */
export async function endDirectSessions(shared: Shared): Promise<void> {
  for (const place of shared.places) place?.forget()
  await Promise.all(
    [...shared.members].map(async member => {
      const { direct } = member
      if (!direct) return
      if (direct.atRest()) {
        await detach(shared, member).catch(() => {})
        return
      }
      member.direct = undefined
      member.orphaned = { scope: shared.tallies.at(-1)?.scope ?? '', statement: lastStatement(member) }
      await closeNow(direct)
    }),
  )
}
