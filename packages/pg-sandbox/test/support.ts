import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { Client, type QueryResult } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { openSandbox, type Sandbox, type SandboxOptions } from '../src/index.js'

/** A server for a test file, and for each test a sandbox with one scope entered. */
export interface Place {
  server: PostgresForTests
  sandbox: Sandbox
  /** A client of the sandbox; ended after the test. */
  connect(config?: { user?: string; application_name?: string; options?: string }): Promise<Client>
  /** A statement on the real database, beside the sandbox. */
  outside(sql: string): Promise<QueryResult>
}

export function usePlace(schema: string, options: Omit<SandboxOptions, 'url'> = {}): Place {
  const place = {} as Place
  let admin: Client
  let clients: Client[] = []
  beforeAll(async () => {
    place.server = await startPostgres({ version: 18 })
    admin = new Client(place.server.url)
    await admin.connect()
    await admin.query(schema)
  })
  beforeEach(async () => {
    place.sandbox = await openSandbox({ url: place.server.url, ...options })
    await place.sandbox.enter('a test')
  })
  afterEach(async () => {
    for (const client of clients) await client.end().catch(() => {})
    clients = []
    await place.sandbox.close()
  })
  afterAll(async () => {
    await admin.end()
    await place.server.stop()
  })
  place.connect = async ({ user, ...config } = {}) => {
    const url = user === undefined ? place.sandbox.url : place.sandbox.urlOf(user)
    const client = new Client({ connectionString: url, ...config })
    client.on('error', () => {})
    clients.push(client)
    await client.connect()
    return client
  }
  place.outside = sql => admin.query(sql)
  return place
}

/** As another process connects; what connects in this one to 127.0.0.1 is answered from memory. */
export function overTcp({ url }: Sandbox): string {
  const address = new URL(url)
  address.hostname = 'localhost'
  return address.href
}

/** The rows of one column. */
export async function column(client: Client, sql: string, values?: unknown[]): Promise<unknown[]> {
  const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array', ...(values ? { values } : {}) })
  return rows.map(([value]) => value)
}
