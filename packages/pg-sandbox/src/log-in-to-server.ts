import { connect, type Socket } from 'node:net'
import type pg from 'pg'
import { errors, isFull, reasonOf } from './errors.js'
import { int32, query } from './messages.js'
import { Client } from './pg.js'

/** A session on the server, logged in by `pg`; its stream is whoever's has asked for it. */
export interface LoggedIn {
  stream: Socket
  /** What the server has reported, for instance `server_version` and `TimeZone`. */
  parameters: Map<string, string>
  processId: number
  /** `18`. */
  majorVersion: number
  /** Asks the server to cancel what it does now. */
  cancel(): Promise<void>
  /** What ends the session, also behind a pooler: that would keep it, and the database could not be dropped, renamed or copied. */
  farewell: Buffer
}

export interface LogInToServer {
  /** The hint of the error if the server has no connection left. */
  whenFull?: string | undefined
  /** A query of one value: see SandboxOptions. */
  findProblem?: string | undefined
  /** What else `pg` is to know. */
  config?: pg.ClientConfig
  /** Statements that run first. */
  first?: (majorVersion: number) => string[]
}

/** The insides of `pg`'s client that are taken over; its types do not name them. */
interface Insides {
  connection: { stream: Socket; on(event: 'parameterStatus', listener: (message: ParameterStatus) => void): void }
  processID: number
  secretKey: number
}
interface ParameterStatus {
  parameterName: string
  parameterValue: string
}

/**
 * Logs in with `pg`, which knows TLS, SCRAM and what a URL may say, and takes its stream once it is ready.
 *
 * @throws SandboxError CONNECTION_FAILED, DATABASE_CHANGED
 */
export async function logInToServer(
  url: string,
  { whenFull, findProblem = 'null', config = {}, first = () => [] }: LogInToServer,
): Promise<LoggedIn> {
  const client = new Client({ connectionString: url, keepAlive: true, ...config })
  const insides = client as unknown as Insides
  const parameters = new Map<string, string>()
  insides.connection.on('parameterStatus', message => parameters.set(message.parameterName, message.parameterValue))
  client.on('error', () => {})
  let majorVersion: number
  let self: { pid: number; problem: string | null }
  try {
    await client.connect()
    majorVersion = Number.parseInt(parameters.get('server_version') ?? '', 10)
    const own = `select pg_catalog.pg_backend_pid() as pid, (${findProblem}) as problem`
    const results = await client.query([...first(majorVersion), own].join('; '))
    self = ([results].flat() as unknown as { rows: (typeof self)[] }[]).at(-1)!.rows[0]!
  } catch (cause) {
    client.end().catch(() => {})
    const details = { server: `${client.host}:${client.port}`, reason: reasonOf(cause) }
    throw errors.CONNECTION_FAILED({ ...details, ...(isFull(cause) && { whenFull }) }, { cause })
  }
  if (self.problem !== null) {
    await client.end()
    throw errors.DATABASE_CHANGED({ problem: self.problem })
  }
  const { stream } = insides.connection
  for (const event of ['data', 'close', 'end', 'error']) stream.removeAllListeners(event)
  // A pooler tells each client of a process that there is not.
  const pooled = self.pid !== insides.processID
  return {
    stream,
    parameters,
    processId: insides.processID,
    majorVersion,
    cancel: () => sendCancel(client, insides),
    farewell: pooled ? Buffer.concat([endItself, terminate]) : terminate,
  }
}

const endItself = query('select pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())')
const terminate = Buffer.from('X\0\0\0\x04', 'latin1')

/** A connection of its own, without TLS where the session's has it: the server takes a CancelRequest either way. */
function sendCancel(client: pg.Client, { processID, secretKey }: Insides): Promise<void> {
  return new Promise(resolve => {
    const { host, port } = client
    const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
    socket.end(Buffer.concat([int32(16), int32(80_877_102), int32(processID), int32(secretKey)]))
    socket.resume()
  })
}
