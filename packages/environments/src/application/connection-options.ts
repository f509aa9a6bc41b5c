import type { PoolConfig } from 'pg'
import { inDialect } from './dialect.js'
import { openEnvironment, type DatabaseUrlOptions } from './database-url.js'

interface Options<Database extends string> extends Omit<DatabaseUrlOptions<Database>, 'dialect'> {}

interface ByClient {
  /** For `new Pool(…)` and `new Client(…)` of pg. */
  pg: { connectionString: string }
  /** For `knex(…)`. */
  knex: { client: 'pg'; connection: { connectionString: string } }
  /** For `drizzle(…)` of `drizzle-orm/node-postgres`. */
  drizzle: { connection: { connectionString: string } }
  /** For `new PrismaClient(…)`. */
  prisma: { datasourceUrl: string }
  /** For `new DataSource(…)`. */
  typeorm: { type: 'postgres'; url: string }
}

/**
 * What a client's constructor takes to connect to this process's database.
 *
 * @throws SeedbedError as `databaseUrl`
 * @example const db = knex(connectionOptions('knex'))
 */
export function connectionOptions<Client extends keyof ByClient, Database extends string = 'main'>(
  client: Client,
  options: Options<Database> = {},
): ByClient[Client] {
  const { url } = openEnvironment(options)
  const byClient: { [Each in keyof ByClient]: () => ByClient[Each] } = {
    pg: () => ({ connectionString: url }),
    knex: () => ({ client: 'pg', connection: { connectionString: url } }),
    drizzle: () => ({ connection: { connectionString: url } }),
    prisma: () => ({ datasourceUrl: forPrisma(url) }),
    typeorm: () => ({ type: 'postgres', url }),
  }
  return byClient[client]()
}

/**
 * The one pool of this process to a database: whoever asks with another address (the environment has changed) gets another, and the
 * one before ends when its clients have come back.
 *
 * @param settings of a pool that is made now: `{ max: 5 }`
 * @throws SeedbedError as `databaseUrl`
 * @example const { rows } = await databasePool().query('select now()')
 */
export function databasePool<Database extends string = 'main'>(
  options: Options<Database> = {},
  settings: Omit<PoolConfig, 'connectionString'> = {},
): import('pg').Pool {
  const { environment, url } = openEnvironment(options)
  const key = `${options.database ?? ''} ${options.testMode ?? ''} ${options.pooled ?? false}`
  const open = pools.get(key)
  // Its user may have ended it.
  const isOpen = open !== undefined && !open.pool.ending
  if (isOpen && open.url === url) return open.pool
  if (isOpen) void open.pool.end()
  const { Pool } = require('pg') as typeof import('pg')
  const pool = new Pool({ application_name: environment.name, ...settings, connectionString: url })
  // An idle connection that breaks is replaced; without a listener it would end the process.
  pool.on('error', () => {})
  pools.set(key, { url, pool })
  return pool
}

const pools = new Map<string, { url: string; pool: import('pg').Pool }>()

/** Prisma takes the folder of a socket as a parameter. */
function forPrisma(url: string): string {
  const { hostname } = new URL(url)
  const host = decodeURIComponent(hostname)
  if (!host.startsWith('/')) return inDialect(url, 'postgresql')
  const parsed = new URL(url)
  parsed.hostname = 'localhost'
  parsed.searchParams.set('host', host)
  return parsed.href
}
