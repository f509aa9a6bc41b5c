import { randomBytes } from 'node:crypto'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { fatal, serve } from './client.js'
import { errors } from './errors.js'
import { emptyFootprint, type Footprint } from './footprint.js'
import { openGround } from './ground.js'
import { logIn, newKey, type Greeting } from './log-in.js'
import { openMember, type Member } from './member.js'
import { int32, message, readyForQuery } from './messages.js'
import { reportParameters } from './settings.js'
import { leaveScope } from './leave-scope.js'
import { openServerSession, type ServerSession } from './server-session.js'
import { openShared, type Shared } from './shared.js'
import { openTurns } from './turns.js'
import { turnTimeout } from './turn-timeout.js'

export interface SandboxOptions {
  /** The database whose changes shall not stay, and the role that clients act as. */
  url: string
  /**
   * Further log-ins on the same endpoint, by name: each acts as a role that the role of `url` is a member of, so that
   * grants and row-level security hold for it. `{ worker: { role: 'job_runner' } }`
   */
  users?: Record<string, { role: string }>
  /**
   * How long a client waits for another one that is idle in a transaction, in milliseconds; then it gets an error.
   * @default 2000
   */
  turnTimeout?: number
  /**
   * How long `leave()` waits for statements that still run, in milliseconds; then they are cancelled.
   * @default 1000
   */
  stragglerTimeout?: number
}

/** An endpoint with a URL: all that connects to it shares one transaction, which is rolled back. */
export interface Sandbox extends AsyncDisposable {
  /** On 127.0.0.1, a free port, with a random password; the same for the sandbox's whole life. */
  readonly url: string
  /** The URL of one of `users`. */
  urlOf(user: string): string
  /** Begins a scope. Scopes nest; without one, statements are refused. */
  enter(name: string): Promise<void>
  /**
   * Ends the innermost scope: all that was written in it is gone, and transactions that were left open in it have ended.
   *
   * @throws SandboxError NO_SCOPE, SESSION_LOST
   */
  leave(): Promise<Footprint>
  /** Hangs up on all clients and ends the session. */
  close(): Promise<void>
}

/**
 * Opens a session on the server, begins its transaction, and listens.
 *
 * @throws SandboxError CONNECTION_FAILED, INVALID_OPTION
 * @example
 * await using sandbox = await openSandbox({ url: process.env.TEST_DATABASE_URL })
 * await sandbox.enter('a test')
 * // … anything may connect to sandbox.url, and commit …
 * await sandbox.leave()
 */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { turnTimeout: patience = 2_000, stragglerTimeout = 1_000, users = {} } = options
  if (!URL.canParse(options.url)) throw errors.INVALID_OPTION({ option: 'url', problem: 'it is not a URL' })
  let session = await openSession(options.url)
  const name = `sb_${randomBytes(6).toString('hex')}`
  const shared = openShared(() => session, openTurns<Member>(patience, turnTimeout(patience)), openGround(name))
  const password = randomBytes(18).toString('base64url')
  const { user, database, parameters } = await whoAmI(session)
  const keys = new Map<number, { key: number; member: Member }>()
  const sockets = new Set<Socket>()
  let closed = false

  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A client that resets its connection is simply gone.
    socket.on('error', () => {})
    void welcome(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  // The sandbox alone does not keep a process alive.
  server.unref()
  const { port } = server.address() as AddressInfo

  async function welcome(socket: Socket): Promise<void> {
    const greeting = await logIn(socket, {
      password,
      database,
      users: new Set([user, ...Object.keys(users)]),
      onCancel: (processId, key) => void cancel(shared, keys, processId, key),
    })
    if (!greeting) return
    const processId = 1_000_000 + (newKey() % 1_000_000_000)
    const member: Member = openMember(socket, greeting.rest, {
      user: greeting.user,
      application: greeting.settings.get('application_name') ?? '',
      processId,
      onBadFrame: (sender, reason) => fatal(sender, '08P01', reason),
    })
    const key = newKey()
    keys.set(processId, { key, member })
    socket.on('close', () => {
      keys.delete(processId)
      shared.turns.forget(member, new Error('the client is gone'))
    })
    const unknown = [...greeting.settings.keys()].find(name => !isParameter(name, parameters))
    if (unknown !== undefined) return fatal(member, '42704', `unrecognized configuration parameter "${unknown}"`)
    shared.members.add(member)
    setUp(member, greeting, users[greeting.user]?.role, session)
    introduce(member, session, key)
    await serve(shared, member).catch((error: Error) => fatal(member, 'XX000', error.message))
  }

  const urlOf = (name: string) =>
    `postgresql://${encodeURIComponent(name)}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`

  const sandbox: Sandbox = {
    url: urlOf(user),
    urlOf(name) {
      if (name !== user && !users[name]) {
        throw errors.INVALID_OPTION({ option: 'users', problem: `it has no "${name}"` })
      }
      return urlOf(name)
    },
    async enter(scope) {
      if (closed) throw errors.CLOSED(undefined)
      // A session that was lost fails what runs, and whatever is entered next starts on a new one.
      if (session.lost() && shared.ground.scopes() === 0) {
        session = await openSession(options.url)
        shared.ground.reset()
        shared.settings.forget()
        shared.constraints.changed()
      }
      shared.ground.enter()
      shared.footprints.push(emptyFootprint(scope))
    },
    async leave() {
      if (closed) throw errors.CLOSED(undefined)
      if (shared.ground.scopes() === 0) throw errors.NO_SCOPE({ call: 'leave()' })
      return leaveScope(shared, stragglerTimeout)
    },
    async close() {
      if (closed) return
      closed = true
      server.close()
      for (const socket of sockets) socket.destroy()
      await session.close()
    },
    [Symbol.asyncDispose]: () => sandbox.close(),
  }
  return sandbox
}

async function openSession(url: string): Promise<ServerSession> {
  const session = await openServerSession(url)
  await session.run('BEGIN')
  return session
}

async function whoAmI(session: ServerSession) {
  const [rows = [], names = []] = await session.run(
    'SELECT session_user::text, current_database()::text; SELECT lower(name) FROM pg_catalog.pg_settings',
  )
  const [user, database] = rows[0]!
  return { user: user!, database: database!, parameters: new Set(names.map(([name]) => name!)) }
}

/** As a server checks it at the log-in: with a name that is none, every RESET of it would fail later. */
function isParameter(name: string, parameters: ReadonlySet<string>): boolean {
  // Not listed, since SHOW ALL does not show them.
  if (['role', 'session_authorization', 'is_superuser'].includes(name.toLowerCase())) return true
  return parameters.has(name.toLowerCase()) || /^[a-z_][\w$]*(?:\.[a-z_][\w$]*)+$/i.test(name)
}

/** What the client has asked for at its start-up, where the session does not have it anyway. */
function setUp(member: Member, greeting: Greeting, role: string | undefined, session: ServerSession): void {
  const known = new Map([...session.parameters].map(([name, value]) => [name.toLowerCase(), value]))
  for (const [name, value] of greeting.settings) {
    if (known.get(name.toLowerCase()) !== value) member.settings.set(name.toLowerCase(), value)
  }
  if (role !== undefined) member.settings.set('role', role)
  for (const [name, value] of member.settings) member.initial.set(name, value)
}

/** What a server says after the log-in. */
function introduce(member: Member, session: ServerSession, key: number): void {
  member.send(message('R', int32(0)))
  reportParameters(member, session)
  member.send(message('K', int32(member.processId), int32(key)))
  member.send(readyForQuery('I'))
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
  if (shared.turns.holder() === member && shared.session().busy()) await shared.session().cancel()
}
