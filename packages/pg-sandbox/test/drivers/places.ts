import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { Client } from 'pg'
import { expect } from 'vitest'
import { startPostgres } from '@seedbed/postgres-for-tests'
import { openSandbox, type Sandbox } from '../../src/index.js'
import { overTcp } from '../support.js'

/** Where the contract is run: a database with the tables of the contract, empty before each test. */
export interface Place extends AsyncDisposable {
  url: string
  enter(test: string): Promise<void>
  /** Ends a test: its rows are gone. */
  leave(): Promise<void>
}

export interface Places extends AsyncDisposable {
  open: Record<'a real database' | 'a sandbox' | 'a sandbox over TCP', () => Promise<Place>>
}

/** A server with a database `app`, which the ordinary role `app` owns. */
export async function startPlaces(): Promise<Places> {
  const server = await startPostgres()
  const admin = new Client(server.url)
  await admin.connect()
  await admin.query('create role app login')
  await admin.query('create database app owner app')
  await admin.end()
  const direct = new Client(server.urlFor({ user: 'app', database: 'app' }))
  await direct.connect()
  await direct.query(tables)
  const rowsLeft = async () => {
    const { rows } = await direct.query('select (select count(*) from people) + (select count(*) from kinds) as count')
    return Number(rows[0].count)
  }
  const clear = async () => void (await direct.query('truncate people, kinds restart identity'))
  const port = await listenFor(join(server.folder, '.s.PGSQL.5432'))

  async function sandboxed(urlOf: (sandbox: Sandbox) => string): Promise<Place> {
    const sandbox = await openSandbox({ url: server.urlFor({ user: 'app', database: 'app' }) })
    return {
      url: urlOf(sandbox),
      enter: test => sandbox.enter(test),
      async leave() {
        await sandbox.leave()
        expect(await rowsLeft(), 'rows that the sandbox left in the database').toBe(0)
      },
      [Symbol.asyncDispose]: () => sandbox.close(),
    }
  }

  return {
    open: {
      async 'a real database'() {
        await clear()
        return {
          url: `postgresql://app:unused@127.0.0.1:${port.number}/app`,
          enter: async () => {},
          leave: clear,
          [Symbol.asyncDispose]: async () => {},
        }
      },
      'a sandbox': () => sandboxed(({ url }) => url),
      'a sandbox over TCP': () => sandboxed(overTcp),
    },
    async [Symbol.asyncDispose]() {
      await direct.end()
      port.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

const tables = `
  create table people (id serial primary key, name text not null unique);
  create table kinds (
    id serial primary key, a_text text, an_int int, a_bigint bigint, a_numeric numeric(30, 10), a_boolean boolean,
    a_jsonb jsonb, a_time timestamptz, some_texts text[], some_bytes bytea
  )`

/** Our servers have a socket only, for which every driver has a notation of its own: a free port, passed on to it. */
async function listenFor(path: string): Promise<{ number: number; close(): void }> {
  const sockets = new Set<Socket>()
  const listener = createServer(client => {
    const server = connect(path)
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one)
      one.setNoDelay()
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    number: (listener.address() as AddressInfo).port,
    close() {
      listener.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
