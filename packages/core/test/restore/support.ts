import { startPostgres, type PostgresForTests, type PostgresMajor } from '@seedbed/postgres-for-tests'
import pg from 'pg'
import { afterAll } from 'vitest'
import { openRestore, type Restore } from '../../src/restore/restore.js'
import { prepareRestore } from '../../src/restore/prepare-restore.js'
import { rowsDigest } from '../../src/structure/rows-digest.js'

/** A clone of a prepared template, and what tests do in it. */
export interface Place extends AsyncDisposable {
  server: PostgresForTests
  /** The clone's name, and its URL for whoever puts back. */
  clone: string
  url: string
  restore: Restore
  /** As the application's role, each call in a session that goes on. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  /** Another session of the application, or of another role; ends with the place. */
  session(role?: string): Promise<pg.Client>
  /** A session wherever a URL leads; ends with the place. */
  sessionAt(url: string): Promise<pg.Client>
  /** A session in another database of the server; ends with the place. */
  elsewhere(): Promise<pg.Client>
  /** The clone's URL for the application. */
  applicationUrl: string
  asAdmin(sql: string): Promise<Record<string, unknown>[]>
  /** The clone anew, which the place's own `restore` knows nothing of. */
  recreate(): Promise<void>
  /** One text for all rows and sequences. */
  digest(): Promise<string>
}

interface PlaceOptions {
  version?: PostgresMajor
  /** Who prepares and puts back: a superuser, or the application's role itself. @default 'superuser' */
  as?: 'superuser' | 'owner'
  /** What the superuser does in the template before it is prepared, or on the server. */
  adminSql?: string
  /** Further ones that can log in. */
  roles?: string[]
  /** Makes the server one of this place only. */
  settings?: Record<string, string>
}

const servers = new Map<PostgresMajor, Promise<PostgresForTests>>()
afterAll(async () => {
  for (const server of servers.values()) await (await server).stop()
})

async function serverOf({ version = 18, settings }: PlaceOptions): Promise<PostgresForTests> {
  if (settings) return startPostgres({ version, settings })
  const server = servers.get(version) ?? startPostgres({ version })
  servers.set(version, server)
  return server
}

let places = 0

/** A template that has `schema`, made by the role `app`, and a clone of it. */
export async function place(schema: string, options: PlaceOptions = {}): Promise<Place> {
  const { as = 'superuser', adminSql = '' } = options
  const server = await serverOf(options)
  const number = ++places
  const [template, clone] = [`template_${number}`, `clone_${number}`]
  const clients: pg.Client[] = []
  const connect = (user: string, database: string) => connectTo(server.urlFor({ user, database }))
  const connectTo = async (url: string) => {
    const client = new pg.Client(url)
    client.on('error', () => {})
    await client.connect()
    clients.push(client)
    return client
  }
  const dispose = async () => {
    await Promise.all(clients.map(client => client.end().catch(() => {})))
    if (options.settings) {
      await main.end().catch(() => {})
      return server.stop()
    }
    await main.query(`drop database if exists ${clone} with (force)`)
    await main.query(`drop database if exists ${template} with (force)`)
    await main.end()
  }
  const main = new pg.Client(server.url)
  main.on('error', () => {})
  await main.connect()
  try {
    for (const role of ['app', ...(options.roles ?? [])]) {
      await main.query(`do $$ begin create role ${role} login; exception when duplicate_object then null; end $$`)
    }
    await main.query(`create database ${template} owner app`)
    const admin = await connect('postgres', template)
    const owner = await connect('app', template)
    await owner.query(schema)
    if (adminSql) await admin.query(adminSql)
    await prepareRestore(as === 'superuser' ? admin : owner)
    await Promise.all([admin.end(), owner.end()])
    await main.query(`create database ${clone} template ${template} owner app`)
    const url = server.urlFor({ user: as === 'superuser' ? 'postgres' : 'app', database: clone })
    const restore = await openRestore({ url })
    let application = await connect('app', clone)
    return {
      server,
      clone,
      url,
      restore,
      query: async (sql, values) => (await application.query<Record<string, unknown>>(sql, values)).rows,
      session: (role = 'app') => connect(role, clone),
      sessionAt: connectTo,
      elsewhere: () => connect('postgres', 'postgres'),
      applicationUrl: server.urlFor({ user: 'app', database: clone }),
      async asAdmin(sql) {
        const client = await connect('postgres', clone)
        const { rows } = await client.query<Record<string, unknown>>(sql)
        await client.end()
        return rows
      },
      async recreate() {
        await application.end()
        await restore.close().catch(() => {})
        await main.query(`drop database ${clone} with (force)`)
        await main.query(`create database ${clone} template ${template} owner app`)
        application = await connect('app', clone)
      },
      async digest() {
        const client = await connect('postgres', clone)
        await client.query('set search_path = pg_catalog')
        const digest = await rowsDigest(client)
        await client.end()
        return digest
      },
      async [Symbol.asyncDispose]() {
        await restore.close().catch(() => {})
        await dispose()
      },
    }
  } catch (error) {
    await dispose()
    throw error
  }
}
