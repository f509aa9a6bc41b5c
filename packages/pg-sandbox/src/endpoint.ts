import type { AddressInfo, Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { net } from './builtins.js'
import { nextTurn } from './clock.js'
import { urlDefaults, type UrlDefaults } from './complete-url.js'
import { serveInProcess } from './in-process.js'
import { refuseSynchronousChildren } from './synchronous-children.js'

/** A free port of 127.0.0.1 that waits for clients: all of a sandbox that has to be there before anybody connects. */
export interface Endpoint {
  readonly port: number
  /** What a sandbox's URL leaves open, as it was when this was opened. */
  readonly urlDefaults: UrlDefaults
  /** Waits for whoever is about to connect: a pool does so a moment after it was asked to. */
  arrivals(): Promise<void>
  /**
   * Hands over those who have connected, and from now on whoever connects. It is for whoever answers them, and for one only.
   *
   * @param welcome with who the client is, as far as can be told
   */
  serve(welcome: (client: Duplex, origin: string) => void): void
  /**
   * Takes no more clients, and hangs up on those that are there.
   *
   * @param rests which clients of this process wait for nothing: their end would be an error that nobody listens for, so that
   *   they are told with their next statement
   */
  close(rests?: (client: Duplex) => boolean): void
}

export interface EndpointOptions {
  /** Is called for each client that comes before somebody serves. */
  onClient?: () => unknown
  /** As for `openSandbox`: how long a synchronous child waits that nobody can answer, in milliseconds. */
  turnTimeout?: number | undefined
}

/**
 * Listens, for a sandbox that is to be opened when somebody connects, and not before: `openSandbox({ endpoint })`. Its module,
 * `pg-sandbox/endpoint`, loads next to nothing, for processes of which most never connect.
 *
 * @example
 * const endpoint = await openEndpoint({ onClient: () => (sandbox ??= open({ url, password, endpoint })) })
 * process.env.DATABASE_URL = `postgresql://app:${password}@127.0.0.1:${endpoint.port}/app`
 */
export async function openEndpoint({ onClient, turnTimeout = 2_000 }: EndpointOptions = {}): Promise<Endpoint> {
  const defaults = urlDefaults()
  const clients = new Set<Duplex>()
  /** Clients that came before somebody served. */
  const early: { client: Duplex; origin: string }[] = []
  let serve: Parameters<Endpoint['serve']>[0] | undefined

  const server = net.createServer({ noDelay: true }, client => arrive(client, `port ${client.remotePort}`))
  await listen(server)
  // The endpoint alone does not keep a process alive.
  server.unref()
  const { port } = server.address() as AddressInfo

  const stopInProcess = serveInProcess(port, (end, place) =>
    arrive(end, place === undefined ? 'this process' : `opened at ${place}`),
  )
  const stopRefusing = await refuseSynchronousChildren({
    port,
    patience: turnTimeout,
    connections: () => [...clients].filter(client => client instanceof net.Socket).flatMap(describeSocket),
    hangUp: fd => [...clients].find(client => fdOf(client) === fd)?.destroy(),
  })

  function arrive(client: Duplex, origin: string): void {
    clients.add(client)
    client.on('close', () => clients.delete(client))
    // A client that resets its connection is simply gone.
    client.on('error', () => {})
    if (serve) return serve(client, origin)
    early.push({ client, origin })
    onClient?.()
  }

  return {
    port,
    urlDefaults: defaults,
    arrivals: nextTurn,
    serve(welcome) {
      serve = welcome
      for (const { client, origin } of early.splice(0)) welcome(client, origin)
    },
    close(rests = () => false) {
      stopInProcess()
      stopRefusing()
      server.close()
      for (const client of clients) if (client instanceof net.Socket || !rests(client)) client.destroy()
    },
  }
}

/**
 * On 127.0.0.1, a free port. `listen()` first loads Node's `cluster` and `dns`, which takes longer than all else here and is
 * for nothing: below it is this function, of old and under this name.
 */
async function listen(
  server: Server & { _listen2?: (host: string, port: number, family: 4 | 6) => void },
): Promise<void> {
  const { _listen2: listenAlone } = server
  if (listenAlone) listenAlone.call(server, '127.0.0.1', 0, 4)
  else server.listen(0, '127.0.0.1')
  // It says so only in a later turn.
  if (server.address()) return
  await new Promise<void>((resolve, reject) => server.once('error', reject).once('listening', resolve))
}

function describeSocket(socket: Socket): { fd: number; port: number }[] {
  const fd = fdOf(socket)
  return fd === undefined || socket.remotePort === undefined ? [] : [{ fd, port: socket.remotePort }]
}

/** Node does not say it in public; without it a client that waits in vain is not told. */
function fdOf(socket: Duplex): number | undefined {
  const { _handle: handle } = socket as { _handle?: { fd?: number } }
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined
}
