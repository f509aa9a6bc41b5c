import type { Client, ClientBase, QueryConfig, Submittable } from 'pg'
import { workerErrors } from './errors.js'
import type { ScopeFollower } from './scopes.js'

/**
 * The test's client: what it writes is gone when the scope in which it wrote ends. It has the `query` of a `pg` client
 * or pool, so that it can be handed to any code that asks for no more than that.
 */
export interface Db {
  /**
   * Runs a statement in the worker's sandbox, as a client of its own beside those of the application. An SQL error does
   * not end the test. BEGIN, COMMIT and ROLLBACK act as they would on a database of the test's own.
   *
   * @throws DB_OUTSIDE_FILE, DB_CONCURRENT, DB_AFTER_TEST; and `pg`'s DatabaseError with the server's SQLSTATE in `code`
   * @example const { rows } = await db.query('select name from author where id = $1', [seeds.author.ada.id])
   */
  query: ClientBase['query']
}

/** A client of a sandbox, which connects with its first statement. */
export interface SandboxClient extends ScopeFollower {
  /** @param check throws where a statement may not run */
  dbUnder(check: (statement: string) => void): Db
}

export interface SandboxClientOptions {
  /** Makes a client that has not been connected yet. */
  make(): Client | Promise<Client>
  /** Names the scope that runs: `test "renames"`. */
  where(): string
}

/** How long statements that nobody has waited for may go on when their scope ends. What still runs then, the sandbox ends. */
const stragglerMilliseconds = 100

/** Statements run one after the other: `pg` would queue them as well, but never give one back. */
export function sandboxClient({ make, where }: SandboxClientOptions): SandboxClient {
  let connection: Connection | undefined
  /** Whether a query object, which ends when it likes, has had the connection. */
  let lent = false
  /** The last statement. */
  let turn: Promise<unknown> = Promise.resolve()
  let pending = 0
  let leaves = 0

  function connect(): Promise<Client> {
    // A client that was given up ends later, perhaps when another one has its place.
    connection ??= openConnection(make, ended => {
      if (connection === ended) connection = undefined
    })
    return connection.client
  }

  /** For whoever finds nobody waiting: the way of nearly all statements, and so the short one. */
  async function runAtOnce(client: Client, config: string | QueryConfig, values: unknown[]): Promise<unknown> {
    pending += 1
    const result = new Promise((resolve, reject) => {
      // Its types know a config with values beside it only without a callback.
      client.query(config as string, values, (error, answer) => (error ? reject(error) : resolve(answer)))
    })
    turn = result
    try {
      return await result
    } catch (error) {
      // It was made where the server's answer was read; here the stack leads to who awaits it.
      Error.captureStackTrace(error as Error)
      throw error
    } finally {
      pending -= 1
    }
  }

  function inTurn<Result>(statement: string, work: (client: Client) => Promise<Result> | Result): Promise<Result> {
    const [before, scope] = [leaves, where()]
    const workOrRefuse = async () => {
      const client = await connect()
      if (leaves !== before) throw workerErrors.DB_AFTER_TEST({ scope, statement: shortened(statement) })
      return work(client)
    }
    pending += 1
    // Whoever finds nobody waiting need not wait either.
    const result = (pending === 1 ? workOrRefuse() : turn.then(workOrRefuse, workOrRefuse)).finally(
      () => (pending -= 1),
    )
    turn = result
    return result
  }

  /** Cursors and streams of rows: they answer for themselves. */
  function lend(object: QueryObject, rest: unknown[]): QueryObject {
    lent = true
    inTurn(statementOf(object), client => void client.query(object, ...(rest as []))).catch((error: unknown) =>
      object.handleError?.(error),
    )
    return object
  }

  async function isIdleWithin(milliseconds: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise(resolve => (timer = realSetTimeout(resolve, milliseconds)))
    await Promise.race([turn.catch(() => {}), patience])
    realClearTimeout(timer)
    return pending === 0
  }

  const isAsItWas = (client: Client) => !lent && client.getTransactionStatus() === 'I'

  /** Unless it gets to where it was when the scope began. */
  async function giveUp({ client: connecting }: Connection): Promise<void> {
    const client = await connecting.catch(() => undefined)
    if (!client) return
    const isFree = pending === 0 || (await isIdleWithin(stragglerMilliseconds))
    if (isFree && isAsItWas(client)) return
    connection = undefined
    lent = false
    client.end().catch(() => {})
  }

  return {
    dbUnder(check) {
      function send(config: string | QueryConfig, values: unknown[]): Promise<unknown> {
        const text = typeof config === 'string' ? config : config.text
        try {
          check(text)
        } catch (error) {
          return Promise.reject(error)
        }
        if (pending === 0 && connection?.connected) return runAtOnce(connection.connected, config, values)
        const caller: { stack?: string } = {}
        Error.captureStackTrace(caller, query)
        return inTurn(text, (client): unknown => client.query(config, values)).catch((error: Error) => {
          // Statements take turns, which breaks the chain from the error to the line of the test that sent it.
          error.stack = `${error.name}: ${error.message}\n${caller.stack?.split('\n').slice(1).join('\n')}`
          throw error
        })
      }
      function query(config: string | QueryConfig | QueryObject, ...rest: unknown[]) {
        if (typeof config === 'object' && 'submit' in config) {
          check(statementOf(config))
          return lend(config, rest)
        }
        const callback =
          typeof rest.at(-1) === 'function' ? (rest.pop() as (error: unknown, result?: unknown) => void) : null
        const result = send(config, rest[0] as unknown[])
        if (!callback) return result
        result.then(answer => callback(null, answer), callback)
        return undefined
      }
      return { query: query as ClientBase['query'] }
    },
    beforeLeave() {
      if (pending > 0) return isIdleWithin(stragglerMilliseconds).then(() => void (leaves += 1))
      leaves += 1
      return undefined
    },
    afterLeave() {
      if (!connection || (connection.connected && pending === 0 && isAsItWas(connection.connected))) return undefined
      return giveUp(connection)
    },
  }
}

interface Connection {
  client: Promise<Client>
  /** What it has resolved to. */
  connected?: Client
}

function openConnection(make: SandboxClientOptions['make'], onEnd: (connection: Connection) => void): Connection {
  const connection: Connection = { client: open() }
  return connection

  async function open(): Promise<Client> {
    const client = await make()
    const end = () => onEnd(connection)
    client.on('error', end)
    client.on('end', end)
    await client.connect().catch((error: unknown) => {
      end()
      throw error
    })
    // The runner decides when a worker ends; an idle connection must not keep it alive.
    ;(client as Client & { unref(): void }).unref()
    connection.connected = client
    return client
  }
}

type QueryObject = Submittable & { text?: string; handleError?(error: unknown): void }

const statementOf = (object: QueryObject) => object.text ?? object.constructor.name

/** A statement as it may stand in an error: one line, cut short. */
export function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

// Taken before a test can put fake timers in their place.
const realSetTimeout = setTimeout
const realClearTimeout = clearTimeout
