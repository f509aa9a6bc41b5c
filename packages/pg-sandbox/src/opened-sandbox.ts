import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { fatal, serve } from './client.js'
import { moment, waitWhile } from './clock.js'
import type { DirectCounts } from './direct-counts.js'
import type { Place } from './direct.js'
import { errors, isFull, SandboxError } from './errors.js'
import { footprintOf, newTally, type Footprint } from './footprint.js'
import { openGround } from './ground.js'
import { leaveScope } from './leave-scope.js'
import { logIn, newKey } from './log-in.js'
import { maintain, type Maintenance } from './maintain.js'
import { forgetSession, openMember, type Member } from './member.js'
import { report } from './messages.js'
import type { LeaveOptions, SandboxOptions } from './open-sandbox.js'
import { misreadingAsked } from './reading.js'
import { openServerSession, type ServerSession } from './server-session.js'
import { reconnecting } from './reconnect.js'
import { introduce, setUp, unknownParameter } from './settle-in.js'
import { scopedSettings } from './scoped-settings.js'
import { letGo } from './pace.js'
import { openShared, type Shared } from './shared.js'
import { turnTimeout } from './turn-timeout.js'
import { openTurns } from './turns.js'

/** A scope, as it was entered: see EnterOptions. */
export interface Entered {
  scope: string
  direct?: Place | null | undefined
}

/** The part of a sandbox that is loaded with its first client. */
export interface OpenedSandbox {
  /** Takes a connection from its first byte to its end. */
  welcome(socket: Duplex, origin: string): Promise<void>
  /** Whether its client waits for nothing. */
  rests(socket: Duplex): boolean
  enter(entered: Entered): Promise<void>
  leave(options: LeaveOptions): Promise<Footprint>
  maintain(work: Maintenance): Promise<void>
  /** Ends the sessions that clients have of their own. */
  disconnect(): Promise<void>
  /** Whether anything has run in the transaction that clients share. */
  used(): boolean
  direct(): DirectCounts
  sessions(): number
  escaped(): string | undefined
  close(): Promise<void>
}

export interface OpenedOptions extends SandboxOptions {
  users: Record<string, { role?: string }>
  /** The role of `url`, its database, and the endpoint's password. */
  user: string
  database: string
  password: string
}

/** @param entered scopes that are entered already */
export function openedSandbox(options: OpenedOptions, entered: readonly Entered[]): OpenedSandbox {
  const {
    user,
    database,
    password,
    users,
    whenFull,
    findProblem,
    turnTimeout: patience = 2_000,
    stragglerTimeout = 1_000,
  } = options
  const name = `sb_${randomBytes(6).toString('hex')}`
  const shared = openShared(() => session!, openTurns<Member>(patience, turnTimeout(patience)), openGround(name), {
    whenFull,
    findProblem,
  })
  const settings = scopedSettings(shared.settings)
  /** Connections that are not ready yet, in the scope in which they began. */
  const arriving = new Set<Duplex>()
  const clients = new WeakMap<Duplex, Member>()
  const keys = new Map<number, { key: number; member: Member }>()
  const openAgain = reconnecting()
  let { url } = options
  let session: ServerSession | undefined
  /** Without saying that something has escaped. */
  let endSession: ServerSession['abandon']
  let opening: Promise<ServerSession> | undefined
  let sessions = 0
  let escaped: string | undefined
  let closed = false

  function enterScope({ scope, direct }: Entered): void {
    shared.ground.enter()
    shared.tallies.push(newTally(scope))
    settings.enter()
    shared.places.push(direct === undefined ? shared.place() : (direct ?? undefined))
    shared.isLeaving = false
  }
  entered.forEach(enterScope)

  /** The session, opened where there is none. One that was lost fails what runs in scopes that have lost something with it. */
  async function connected(): Promise<ServerSession> {
    if (closed) throw errors.CLOSED(undefined)
    if (escaped !== undefined) throw errors.ESCAPED({ reason: escaped })
    if (session && !(session.lost() && !shared.ground.used().includes(true))) return session
    opening ??= openSession().finally(() => (opening = undefined))
    return opening
  }

  async function openSession(): Promise<ServerSession> {
    sessions += 1
    const open = () => openServerSession(url, { whenFull, findProblem })
    const made = await (session ? openAgain(open) : open()).catch((error: Error) => {
      // The server counts no session either.
      if (isFull(error.cause)) sessions -= 1
      throw error
    })
    made.post('BEGIN', made.abandon)
    const usual = await made.prepare(shared.ground.usual)
    if (closed) {
      await made.close()
      throw errors.CLOSED(undefined)
    }
    session = {
      ...made,
      abandon(reason) {
        escaped = reason
        made.abandon(reason)
      },
    }
    endSession = made.abandon
    for (const member of shared.members) forgetSession(member)
    shared.unnamedOwner = undefined
    shared.usual = usual
    shared.ground.reset()
    shared.settings.forget()
    shared.constraints.changed()
    return session
  }

  async function commitAndMove(next: string): Promise<void> {
    try {
      await session!.run('COMMIT')
    } catch (error) {
      // The server has rolled all back, and is in no transaction any more.
      endSession(`its COMMIT failed: ${(error as Error).message}`)
      throw error
    }
    await session!.close()
    url = next
    await openSession().catch((cause: Error) => {
      if (cause instanceof SandboxError) throw cause
      // With the server's code it would be taken for a COMMIT that was refused.
      throw errors.CONNECTION_FAILED({ server: new URL(next).host, reason: cause.message }, { cause })
    })
  }

  async function welcome(socket: Duplex, origin: string): Promise<void> {
    arriving.add(socket)
    socket.once('close', () => arriving.delete(socket))
    const greeting = await logIn(socket, {
      password,
      database,
      users: new Set([user, ...Object.keys(users)]),
      onCancel: (processId, key) => void cancel(shared, keys, processId, key),
    })
    if (!greeting) return
    // What it sends meanwhile waits in the socket.
    socket.pause()
    const open = await connected().catch((error: Error) => refuse(socket, error))
    if (!open || socket.destroyed) return
    const processId = 1_000_000 + (newKey() % 1_000_000_000)
    const member: Member = openMember(socket, greeting.rest, {
      user: greeting.user,
      application: greeting.settings.get('application_name') ?? '',
      origin,
      processId,
      onBadFrame: (sender, reason) => fatal(sender, '08P01', reason),
    })
    socket.resume()
    clients.set(socket, member)
    const key = newKey()
    keys.set(processId, { key, member })
    socket.on('close', () => {
      keys.delete(processId)
      shared.turns.forget(member, new Error('the client is gone'))
    })
    settings.welcome(member, greeting.settings)
    const misread = misreadingAsked(greeting.settings)
    if (misread) return fatal(member, misread.code, misread.message, misread.hint)
    const unknown = await unknownParameter(shared, [...greeting.settings.keys()])
    if (unknown !== undefined) return fatal(member, '42704', `unrecognized configuration parameter "${unknown}"`)
    shared.members.add(member)
    setUp(member, greeting, users[greeting.user]?.role, open)
    introduce(member, open, key)
    arriving.delete(socket)
    await serve(shared, member).catch((error: Error) => fatal(member, 'XX000', error.message))
  }

  /** A client that began to connect in this scope has a statement for it: it is waited for as one that still runs. */
  async function arrived(): Promise<void> {
    await waitWhile(() => arriving.size > 0, stragglerTimeout)
    arriving.clear()
    // For what it sends when it hears that it is ready.
    await moment(2)
  }

  return {
    welcome,
    rests: socket => clients.get(socket)?.resting ?? false,
    async enter(entered) {
      if (session) await connected()
      enterScope(entered)
    },
    async leave({ detailed = false, keep }) {
      if (shared.ground.scopes() === 0) throw errors.NO_SCOPE({ call: 'leave()' })
      if (arriving.size > 0) await arrived()
      const place = shared.places.pop()
      shared.isLeaving = true
      const open = place && (await shared.directly?.endOpenWork(shared, stragglerTimeout))
      const commit = keep === undefined ? undefined : () => commitAndMove(keep)
      if (!session) {
        shared.ground.leave()
        await settings.leave()
        return footprintOf(shared.tallies.pop()!)
      }
      const footprint = await leaveScope(shared, { patience: stragglerTimeout, detailed, commit })
      const putBack = settings.leave()
      if (putBack) await putBack
      return open ? { ...footprint, ...open } : footprint
    },
    async maintain(work) {
      await connected()
      await maintain(shared, work)
    },
    async disconnect() {
      await shared.directly?.endDirectSessions(shared)
    },
    used: () => shared.ground.used().includes(true),
    direct: () => ({ ...shared.direct }),
    sessions: () => sessions,
    escaped: () => escaped,
    async close() {
      closed = true
      await opening?.catch(() => {})
      // The server hears that it is to end only between two statements.
      const running = shared.turns.holder()
      if (session && running) letGo(session, running)
      if (session?.busy()) await session.cancel()
      await session?.close()
      await Promise.all([...shared.members].map(async ({ direct }) => direct && shared.directly!.closeNow(direct)))
    },
  }
}

/** A server that cannot be reached says nothing; the client shall know why. */
function refuse(socket: Duplex, error: Error): undefined {
  const text = error instanceof SandboxError ? error.message : `the sandbox has no session: ${error.message}`
  // sqlclient_unable_to_establish_sqlconnection
  socket.end(report({ severity: 'FATAL', code: '08001', message: text }))
  socket.resume()
}

async function cancel(
  shared: Shared,
  keys: Map<number, { key: number; member: Member }>,
  processId: number,
  key: number,
): Promise<void> {
  const found = keys.get(processId)
  if (!found || found.key !== key) return
  const { member } = found
  shared.turns.forget(member, Object.assign(new Error('canceling statement due to user request'), { code: '57014' }))
  if (member.direct) return member.direct.cancel()
  if (shared.turns.holder() === member && shared.session().busy()) await shared.session().cancel()
}
