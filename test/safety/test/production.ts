import { createServer, type AddressInfo } from 'node:net'
import { resolveEnvironment } from '@seedbed/environments'
import { claimDatabase } from '@seedbed/environments/guard'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'

/** A server that stands for production: reached in every way there is, watched, and with a table that must not lose a row. */
export interface Production extends AsyncDisposable {
  server: PostgresForTests
  port: number
  /** `postgresql://live:…@localhost:1234/shop`. */
  url: string
  /** How many rows its canary table has. */
  canaries(): Promise<number>
  /** Who has logged in to the database since the last call. */
  visits(): Promise<string[]>
  run(...statements: string[]): Promise<unknown>
}

export const password = 'pr0duct10n-s3cret'

/** @param folder of a project: what a command would have remembered of it is remembered there */
export async function startProduction(folder: string): Promise<Production> {
  const port = await freePort()
  const server = await startPostgres({
    settings: { listen_addresses: '127.0.0.1, ::1', port: String(port), log_connections: 'on' },
  })
  const admin = (database: string) => server.urlFor({ database })
  const run = (...statements: string[]) => runIn(admin('shop'), statements)
  await runIn(admin('postgres'), [
    `create role live login createdb password '${password}'`,
    'create database shop owner live',
  ])
  await run(
    'create table canary (id int primary key)',
    'insert into canary select generate_series(1, 1000)',
    'alter table canary owner to live',
  )
  const url = `postgresql://live:${password}@localhost:${port}/shop`
  const config = { project: 'shop', environments: { production: { url } } }
  const environment = resolveEnvironment({ config, variables: {}, flag: 'production' })
  await claimDatabase({ environment, database: 'main' }, { config, variables: {}, folder }, async () => true)
  let seen = (await server.log()).length
  return {
    server,
    port,
    url,
    run,
    async canaries() {
      const [{ count }] = (await runIn(admin('shop'), ['select count(*)::int from canary'])) as [{ count: number }]
      return count
    },
    async visits() {
      const log = await server.log()
      const since = log.slice(seen)
      seen = log.length
      const logins = since.matchAll(/connection authorized: user=(\S+) database=shop\b/g)
      // The tests themselves count as the superuser.
      return [...logins].map(([, user]) => user!).filter(user => user !== 'postgres')
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

async function runIn(url: string, statements: string[]): Promise<unknown[]> {
  const client = new Client(url)
  await client.connect()
  try {
    let rows: unknown[] = []
    for (const statement of statements) rows = (await client.query<object>(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}

/** PostgreSQL cannot be told to take any. */
function freePort(): Promise<number> {
  return new Promise(resolve => {
    const taker = createServer().listen(0, '127.0.0.1', () => {
      const { port } = taker.address() as AddressInfo
      taker.close(() => resolve(port))
    })
  })
}
