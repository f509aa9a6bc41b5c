import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

/**
 * Stands between clients and a server on a unix socket, and counts round trips: whatever a client sends before it waits
 * for an answer is one. Messages of a client are collected until it has been quiet for a moment, and the answers to all
 * of them are handed over together, so that a client which waits for each answer cannot be mistaken for one that does
 * not.
 *
 * PostgreSQL answers every Query and every Sync with one ReadyForQuery (manual, Message Flow).
 *
 * @param {string} under the folder that the socket's folder is made in
 * @param {string} serverFolder the folder of the server's socket
 */
export async function countRoundTrips(under, serverFolder) {
  const folder = await mkdtemp(join(under, 'rt-'))
  let trips = 0
  const sockets = new Set()
  const proxy = createServer(client => {
    const server = connect(join(serverFolder, '.s.PGSQL.5432'))
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          client.destroy()
          server.destroy()
        })
    }
    let started = false
    const asked = []
    const answers = []
    let expected = 0
    let quiet
    const readyForQuery = messages(type => {
      if (type !== 'Z') return
      if (started) expected -= 1
      else started = true
    })
    const questions = messages(type => {
      if (type === 'Q' || type === 'S') expected += 1
    })
    client.on('data', chunk => {
      if (!started) {
        server.write(chunk)
        return
      }
      questions(chunk)
      asked.push(chunk)
      clearTimeout(quiet)
      quiet = setTimeout(() => {
        if (expected > 0) trips += 1
        server.write(Buffer.concat(asked.splice(0)))
      }, quietMilliseconds)
    })
    server.on('data', chunk => {
      readyForQuery(chunk)
      answers.push(chunk)
      if (!started || expected === 0) client.write(Buffer.concat(answers.splice(0)))
    })
  })
  await new Promise(resolve => proxy.listen(join(folder, '.s.PGSQL.5432'), resolve))
  return {
    /** A URL of the server, through here. */
    through(url) {
      const result = new URL(url)
      result.hostname = encodeURIComponent(folder)
      return result.href
    },
    /** How many there were since the last call. */
    take() {
      const taken = trips
      trips = 0
      return taken
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => proxy.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const quietMilliseconds = 8

/** Splits a stream into messages after the start-up: a type's byte, then a length that counts itself. */
function messages(seen) {
  let rest = Buffer.alloc(0)
  return chunk => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 5) {
      const length = 1 + rest.readInt32BE(1)
      if (rest.length < length) return
      seen(String.fromCharCode(rest[0]))
      rest = rest.subarray(length)
    }
  }
}
