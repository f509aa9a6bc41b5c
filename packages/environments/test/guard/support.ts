import { type EnvironmentsConfig, type Variables, readAudit, resolveEnvironment } from '@seedbed/environments'
import { once } from 'node:events'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { createConnection, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, type PostgresForTests, type PostgresMajor } from '@seedbed/postgres-for-tests'
import { Client, escapeIdentifier, type QueryResultRow } from 'pg'
import { expect } from 'vitest'
import { markDatabase, openGuarded, type GuardOptions, type GuardTarget } from '@seedbed/environments/guard'

export const majors: PostgresMajor[] = [15, 18]

export interface Shop extends AsyncDisposable {
  server: PostgresForTests
  config: EnvironmentsConfig
  /** The project's folder. */
  folder: string
  options: GuardOptions
  /** The `main` database of an environment, as its config says, or at another URL. */
  target(environment: string, url?: string): GuardTarget
  /** Statements as the superuser. */
  admin<Row extends QueryResultRow>(sql: string, database?: string): Promise<Row[]>
  /** Makes and marks an environment's database the way that commands do. */
  make(environment: string): Promise<void>
  /** How many rows production's canary has. */
  canary(): Promise<number>
  /** The decisions in the audit log: `reset refused GUARD_PROTECTED`. */
  audit(): Promise<string[]>
  urlFor: PostgresForTests['urlFor']
}

/**
 * A project `shop` with four environments on one server, for a role with CREATEDB and no more: production with a canary,
 * test and staging marked, and development, which is not there.
 */
export async function openShop(version: PostgresMajor, config: Partial<EnvironmentsConfig> = {}): Promise<Shop> {
  const server = await startPostgres({ version, settings: { log_connections: 'on', log_statement: 'ddl' } })
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'seedbed-guard-')))
  await run(server.url, 'create role maker login createdb')
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'shop' }))
  const urlOf = (environment: string) => server.urlFor({ user: 'maker', database: `shop_${environment}` })
  const shop: Shop = {
    server,
    folder,
    urlFor: server.urlFor,
    config: {
      environments: Object.fromEntries(
        ['test', 'development', 'staging', 'production'].map(name => [name, { url: urlOf(name) }]),
      ),
      ...config,
    },
    get options() {
      return { config: shop.config, variables: {}, folder, command: 'seedbed in a test' }
    },
    target: (environment, url) => targetIn(shop.config, environment, url),
    admin: (sql, database = 'postgres') => run(server.urlFor({ database }), sql),
    async make(environment) {
      const target = shop.target(environment)
      await using session = await openGuarded(target, 'create', shop.options)
      await session.query(`create database ${escapeIdentifier(session.name)}`)
      await markDatabase(session, target, shop.options)
    },
    async canary() {
      const [row] = await shop.admin<{ rows: number }>('select count(*)::int as rows from canary', 'shop_production')
      return row!.rows
    },
    async audit() {
      const { entries, broken } = await readAudit({ file: join(folder, '.seedbed/audit.jsonl') })
      expect(broken).toEqual([])
      return entries.map(({ operation, decision, reason }) => `${operation} ${decision} ${reason.split(':')[0]}`)
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  for (const environment of ['test', 'staging', 'production']) await shop.make(environment)
  // The role could destroy it: nothing but the guard is in the way.
  await shop.admin('create table canary as select generate_series(1, 49) as id', 'shop_production')
  await shop.admin('alter table canary owner to maker', 'shop_production')
  return shop
}

export function targetIn(
  config: EnvironmentsConfig,
  flag: string,
  url?: string,
  variables: Variables = {},
): GuardTarget {
  const environment = resolveEnvironment({ config, variables, flag, purpose: 'command' })
  if (url === undefined) return { environment, database: 'main' }
  const database = decodeURIComponent(new URL(url).pathname.slice(1))
  return { environment: { ...environment, databases: { main: { url, database } } }, database: 'main' }
}

/** Statements on a session of their own. */
export async function run<Row extends QueryResultRow>(url: string, sql: string, values?: unknown[]): Promise<Row[]> {
  const client = new Client(url)
  await client.connect()
  try {
    return (await client.query<Row>(sql, values)).rows
  } finally {
    await client.end()
  }
}

/** The code with which it is refused; fails if it is not. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    const session = (await work) as Partial<AsyncDisposable> | undefined
    await session?.[Symbol.asyncDispose]?.()
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  throw new Error('It was not refused')
}

/** Runs something, and says how often somebody has connected to a database meanwhile. */
export async function connectionsTo(shop: Shop, database: string, work: () => Promise<unknown>): Promise<number> {
  const count = async () => (await shop.server.log()).split(`database=${database}`).length - 1
  const before = await count()
  await work()
  return (await count()) - before
}

/** The same server by an address that nobody can know as its own: something in front passes all on. */
export async function openAlias(server: PostgresForTests): Promise<AsyncDisposable & { port: number }> {
  const proxy = createServer(client => {
    const upstream = createConnection(join(server.folder, '.s.PGSQL.5432'))
    client.pipe(upstream).pipe(client)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on('error', () => other.destroy())
    }
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (proxy.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await new Promise(resolve => proxy.close(resolve))
    },
  }
}

/** A folder of the same project on another machine: nothing is remembered in it. */
export async function openOtherFolder(): Promise<AsyncDisposable & { folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-guard-'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'shop' }))
  await mkdir(join(folder, '.seedbed', 'identities'), { recursive: true })
  return {
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** A session that stays open after its statement. */
export async function holding(url: string, sql: string): Promise<AsyncDisposable & { rows: unknown[] }> {
  const client = new Client(url)
  await client.connect()
  const { rows } = await client.query<QueryResultRow>(sql)
  return { rows, [Symbol.asyncDispose]: () => client.end() }
}
