import { completeUrl } from './complete-url.js'
import { nothingSent, type DirectCounts } from './direct-counts.js'
import type { Place } from './direct.js'
import { openEndpoint, type Endpoint } from './endpoint.js'
import { errors } from './errors.js'
import { footprintOf, newTally, type Footprint } from './footprint.js'
import type { Maintenance } from './maintain.js'
import type { Entered, OpenedSandbox } from './opened-sandbox.js'

export interface SandboxOptions {
  /** The database whose changes shall not stay, and the role that clients act as. */
  url: string
  /**
   * Further log-ins on the same endpoint, by name: each acts as a role that the role of `url` is a member of, so that
   * grants and row-level security hold for it. Without `role` it acts as that one itself.
   * `{ app: {}, worker: { role: 'job_runner' } }`
   */
  users?: Record<string, { role?: string }>
  /**
   * What clients have to say to be let in; nobody may be able to guess it.
   * @default a random one
   */
  password?: string
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
  /**
   * Whether it answers in a thread of its own, and so also while this one is blocked, by `execSync('psql …')` for instance.
   * Without it such a child gets an error. A query costs more then: it goes over TCP, which the clients of this process do
   * not need otherwise.
   * @default false
   */
  ownThread?: boolean
  /**
   * One that is open already, for whoever needs its port before anything of a sandbox is loaded: see `pg-sandbox/endpoint`. It is
   * closed with the sandbox. Not with `ownThread`.
   * @default a new one
   */
  endpoint?: Endpoint | undefined
  /** What a client is told to do when the server has no connection left: how many are needed, for instance. */
  whenFull?: string
  /**
   * A query of one value, sent with the first statements of each session. Where it is not null the database is not as its
   * tests expect it: nobody is let in, and this text says why.
   *
   * @example "select 'somebody has dropped the users' where to_regclass('users') is null"
   */
  findProblem?: string | undefined
}

export interface EnterOptions {
  /**
   * Asked for the URL of a database once something is sent in this scope. There each client talks to a session of its own, as
   * without a sandbox: what it commits stays, and is yours to put back. Its connection to the sandbox remains; what it has
   * prepared by messages, has SET and LISTENs to moves along. Inner scopes have the same; with null they share the
   * transaction of the sandbox.
   */
  direct?: (() => Promise<string>) | null | undefined
}

export interface LeaveOptions {
  /**
   * Whether the footprint shall have `details`: rows are counted table by table, which costs some milliseconds. For tests that
   * have failed.
   * @default false
   */
  detailed?: boolean
  /**
   * The URL of another database, as this one was at the begin: what was written, in outer scopes too, is committed where it is
   * instead of being put back, for somebody to look at, and the sandbox goes on there. Its own URL stays, and so do its
   * clients; outer scopes have lost what they wrote. Deferred constraints have to hold, or nothing is committed.
   */
  keep?: string
}

/** An endpoint with a URL: all that connects to it shares one transaction, which is rolled back. */
export interface Sandbox extends AsyncDisposable {
  /** On 127.0.0.1, a free port, with a password; the same for the sandbox's whole life. */
  readonly url: string
  /** Of `url`. */
  readonly port: number
  /** The URL of one of `users`. */
  urlOf(user: string): string
  /** How many sessions it has opened on the server for what its clients share: none before its first client. */
  readonly sessions: number
  /** Whether anything has run in the transaction that clients share, in a scope that is entered. */
  readonly used: boolean
  /** What has gone to sessions that clients have of their own in `direct` scopes. */
  readonly direct: Readonly<DirectCounts>
  /**
   * Says how a statement has ended the shared transaction, if one has found a way: what it committed is there to stay, and
   * nothing runs here any more.
   */
  readonly escaped: string | undefined
  /**
   * Begins a scope. Scopes nest; without one, statements are refused.
   *
   * @throws SandboxError ESCAPED, CONNECTION_FAILED (after a session that was lost)
   */
  enter(name: string, options?: EnterOptions): Promise<void>
  /**
   * Ends the innermost scope: all that was written in it is gone, and transactions that were left open in it have ended. The
   * server's answer is not waited for; whatever a client sends next is answered behind it.
   *
   * @throws SandboxError NO_SCOPE, SESSION_LOST; with `keep` also CONNECTION_FAILED, and an Error with the server's SQLSTATE
   *   where the COMMIT fails: in both cases the session is lost
   */
  leave(options?: LeaveOptions): Promise<Footprint>
  /** Brings `sessions`, `used` and `direct` up to date, which a sandbox in a thread of its own tells as they were at its last answer. */
  refresh(): Promise<void>
  /**
   * Ends the sessions that clients have of their own in `direct` scopes, so that the database can be dropped or copied. Each
   * client gets another one with its next statement; where, the scope is asked anew.
   */
  disconnect(): Promise<void>
  /**
   * Runs statements of your own, as the role of `url`, between those of the clients. What they write is rolled back at
   * once; it is for what no rollback undoes, such as `setval`. Connects if nobody has.
   *
   * @throws SandboxError CONNECTION_FAILED, SESSION_LOST, ESCAPED; an Error with the server's SQLSTATE in `code`
   * @example await sandbox.maintain(query => query("select setval('author_id_seq', $1)", ['1']))
   */
  maintain(work: Maintenance): Promise<void>
  /** Ends the session, and hangs up on all clients but those of this process that wait for nothing. */
  close(): Promise<void>
}

/**
 * Listens. With the first client that logs in it opens its session on the server and begins the transaction: a sandbox
 * that nobody uses costs next to nothing.
 *
 * @throws SandboxError INVALID_OPTION
 * @example
 * await using sandbox = await openSandbox({ url: process.env.TEST_DATABASE_URL })
 * await sandbox.enter('a test')
 * // … anything may connect to sandbox.url, and commit …
 * await sandbox.leave()
 */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  if (!URL.canParse(options.url)) throw errors.INVALID_OPTION({ option: 'url', problem: 'it is not a URL' })
  if (options.ownThread) {
    const problem = 'a sandbox in a thread of its own listens there'
    if (options.endpoint) throw errors.INVALID_OPTION({ option: 'endpoint', problem })
    const { openInOwnThread } = await import('./own-thread.js')
    return openInOwnThread(options)
  }
  const { users = {}, turnTimeout } = options
  // Whoever brings one does without crypto, which takes longer to load than all else here.
  const { password = (await import('node:crypto')).randomBytes(18).toString('base64url') } = options
  /** Scopes that were entered before there was a client. */
  const entered: Entered[] = []
  let loading: Promise<OpenedSandbox> | undefined
  let opened: OpenedSandbox | undefined
  let closed = false

  const { endpoint = await openEndpoint({ turnTimeout }) } = options
  const complete = completeUrl(options.url, endpoint.urlDefaults)
  endpoint.serve((client, origin) => void load().then(opened => opened.welcome(client, origin)))
  const { port } = endpoint

  function load(): Promise<OpenedSandbox> {
    return (loading ??= import('./opened-sandbox.js').then(({ openedSandbox }) => {
      opened = openedSandbox({ ...options, ...complete(), users, password }, entered)
      return opened
    }))
  }

  const urlOf = (name: string) =>
    `postgresql://${encodeURIComponent(name)}:${password}@127.0.0.1:${port}/${encodeURIComponent(complete().database)}`

  function assertOpen(): void {
    if (closed) throw errors.CLOSED(undefined)
  }

  const sandbox: Sandbox = {
    port,
    get url() {
      return urlOf(complete().user)
    },
    urlOf(name) {
      if (name !== complete().user && !users[name]) {
        throw errors.INVALID_OPTION({ option: 'users', problem: `it has no "${name}"` })
      }
      return urlOf(name)
    },
    get sessions() {
      return opened?.sessions() ?? 0
    },
    get escaped() {
      return opened?.escaped()
    },
    get used() {
      return opened?.used() ?? false
    },
    get direct() {
      return opened?.direct() ?? nothingSent
    },
    async enter(scope, { direct } = {}) {
      assertOpen()
      const place = direct && once(direct)
      if (opened) await opened.enter({ scope, direct: place })
      else entered.push({ scope, direct: place })
    },
    async leave(options = {}) {
      assertOpen()
      await endpoint.arrivals()
      if (loading) return (opened ?? (await loading)).leave(options)
      const left = entered.pop()
      if (left === undefined) throw errors.NO_SCOPE({ call: 'leave()' })
      return footprintOf(newTally(left.scope))
    },
    async refresh() {},
    async disconnect() {
      await opened?.disconnect()
    },
    async maintain(work) {
      assertOpen()
      const { maintain } = await load()
      await maintain(work)
    },
    async close() {
      if (closed) return
      closed = true
      endpoint.close(client => opened?.rests(client) ?? false)
      await (await loading)?.close()
    },
    [Symbol.asyncDispose]: () => sandbox.close(),
  }
  return sandbox
}

/** However many clients ask at once. */
function once(ask: () => Promise<string>): Place {
  let url: Promise<string> | undefined
  return { url: () => (url ??= ask()), forget: () => void (url = undefined) }
}
