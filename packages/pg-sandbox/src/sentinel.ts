import { readFileSync, writeSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { report } from './messages.js'

/*
 * A thread that says why nobody answers, while the thread of the sandbox is blocked by a child that it waits for.
 */

export interface BlockedConnection {
  fd: number
  /** The port of the other side. */
  port: number
}

export type ToSentinel =
  | { kind: 'blocked'; connections: BlockedConnection[]; patience: number; replies: MessagePort }
  | { kind: 'goesOn' }

const { port } = workerData as { port: Int32Array }

const blocked = report({
  severity: 'FATAL',
  code: '55000',
  message: 'a synchronous child process blocks the thread in which the sandbox would answer',
  detail: 'execSync, execFileSync and spawnSync stop the event loop until their child has ended.',
  hint: 'Await the child instead (execFile, spawn), or let the sandbox answer in a thread of its own: ownThread: true.',
})

const server = createServer({ noDelay: true }, refuse)
server.listen(0, '127.0.0.1', () => {
  Atomics.store(port, 0, (server.address() as AddressInfo).port)
  Atomics.notify(port, 0)
})

let watching: NodeJS.Timeout | undefined
parentPort!.on('message', (message: ToSentinel) => {
  clearInterval(watching)
  if (message.kind === 'blocked') watching = watch(message)
})

/** Lets the client send its start-up packet, so that it reads the answer to it. */
function refuse(socket: Socket): void {
  socket.on('error', () => {})
  socket.on('data', (packet: Buffer) => {
    // SSLRequest and GSSENCRequest are answered first; the start-up packet comes behind them.
    if (packet.length === 8) socket.write('N')
    else socket.end(blocked)
  })
}

/**
 * Clients that were connected before, of a server that the child talks to for instance, wait in vain too. Whether they have
 * sent something can be seen from the outside on Linux only.
 */
function watch({ connections, patience, replies }: ToSentinel & { kind: 'blocked' }): NodeJS.Timeout {
  const since = new Map<BlockedConnection, number>()
  return setInterval(() => {
    const waiting = portsWithUnreadData()
    for (const connection of connections) {
      if (!waiting.has(connection.port)) continue
      const begin = since.get(connection) ?? performance.now()
      since.set(connection, begin)
      if (performance.now() - begin < patience) continue
      connections = connections.filter(each => each !== connection)
      replies.postMessage({ fd: connection.fd })
      writeSync(connection.fd, blocked)
    }
  }, 50)
}

/** The other sides' ports of connections to this machine's own sockets that hold unread data. */
function portsWithUnreadData(): Set<number> {
  const ports = new Set<number>()
  let table = ''
  try {
    table = readFileSync('/proc/net/tcp', 'latin1')
  } catch {
    // Another system.
  }
  // sl, local_address, rem_address, st (01: established), tx_queue:rx_queue
  for (const [, remote, unread] of table.matchAll(/^ *\d+: \w+:\w+ \w+:(\w+) 01 \w+:(\w+)/gm)) {
    if (Number.parseInt(unread!, 16) > 0) ports.add(Number.parseInt(remote!, 16))
  }
  return ports
}
