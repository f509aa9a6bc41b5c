import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadExports } from '../config/load-module.js'
import { loadKnexfile, type AfterCreate } from './knexfile.js'
import { alterKnownRoles } from './known-roles.js'

/** What the process gets. */
export interface KnexJob {
  /** The project's knex. */
  knex: string
  knexfile: string
  shownAs: string
  url: string
  knownRoles: readonly string[]
  /** In the order in which they run. */
  migrationFiles: string[]
  seedFiles: string[]
  /** A template gets both; a database that lives on is not seeded with every migration. */
  parts: ('migrations' | 'seeds')[]
}

/** What it answers. */
export type KnexAnswer =
  | { done: true }
  | {
      done: false
      error: ServerFields & { message: string }
      /** The migration or seed that was running, and the line of it that asked for the query. */
      module?: string
      line?: number
      column?: number
      /** The query that failed. */
      sql?: string
    }

interface ServerFields {
  code?: string
  detail?: string
  hint?: string
  where?: string
  position?: string
}

/** The slice of knex that is used. */
interface Knex {
  migrate: { latest(): Promise<unknown> }
  seed: { run(): Promise<unknown> }
  destroy(): Promise<void>
}
interface Connection {
  query(query: unknown, ...rest: unknown[]): unknown
}
interface Failure {
  message: string
  stack?: string
  original?: Failure
  code?: string
}

process.once('message', (job: KnexJob) => {
  // a migration may have left a pool of its own open
  void migrate(job).then(answer => process.send!(answer, () => process.exit(0)))
})

/** What was under way when something failed. */
interface Seen {
  module?: string
  /** The query of an error, and the server's own words: knex puts the query in front of them. */
  queries: WeakMap<object, { sql: string; message: string }>
}

async function migrate(job: KnexJob): Promise<KnexAnswer> {
  const seen: Seen = { queries: new WeakMap() }
  try {
    const config = await loadKnexfile(job.knexfile, job.shownAs)
    const createKnex = createRequire(job.knexfile)(job.knex) as (config: object) => Knex
    const modules = moduleSources(job, path => (seen.module = path))
    const knex = createKnex({
      ...config,
      connection: { connectionString: job.url },
      // where in the migration a query was asked for
      asyncStackTraces: true,
      migrations: fromSource(config.migrations, 'migrationSource', modules.migrationSource),
      seeds: fromSource(config.seeds, 'seedSource', modules.seedSource),
      pool: { ...config.pool, min: 0, afterCreate: intercept(config.pool?.afterCreate, job.knownRoles, seen) },
    })
    if (job.parts.includes('migrations')) await knex.migrate.latest()
    if (job.parts.includes('seeds') && (job.seedFiles.length > 0 || config.seeds.seedSource)) await knex.seed.run()
    await knex.destroy()
    return { done: true }
  } catch (thrown) {
    return describe(thrown, seen)
  }
}

/** Options of folders make knex forget the source that it is given, so they are taken out. */
function fromSource(options: Record<string, unknown>, name: string, source: object): object {
  const withoutFolders = { directory: undefined, loadExtensions: undefined, sortDirsSeparately: undefined }
  return { ...options, ...withoutFolders, [name]: options[name] ?? source }
}

/** knex's two interfaces for modules that do not lie in folders of its own. */
function moduleSources(job: KnexJob, starts: (path: string) => void) {
  return {
    migrationSource: {
      getMigrations: async () => job.migrationFiles,
      // the name that knex would note; a file that moves to another folder stays the same migration
      getMigrationName: (path: string) => basename(path),
      async getMigration(path: string) {
        const module = (await loadExports(path)) as { up?: unknown }
        const { up } = module
        if (typeof up !== 'function') return module
        const started = (...parameters: unknown[]) => {
          starts(path)
          return up(...parameters) as unknown
        }
        return { ...module, up: started }
      },
    },
    seedSource: {
      getSeeds: async () => job.seedFiles,
      async getSeed(path: string) {
        starts(path)
        return loadExports(path)
      },
    },
  }
}

/** Sees every query: to alter roles that exist already, and to know which one failed. */
function intercept(own: AfterCreate | undefined, knownRoles: readonly string[], seen: Seen): AfterCreate {
  return (connection, done) => {
    const raw = connection as Connection
    const original = raw.query.bind(raw)
    raw.query = (query, ...rest) => {
      const callback = rest.at(-1)
      const text = typeof query === 'string' ? query : (query as { text?: unknown } | null)?.text
      if (typeof text !== 'string' || typeof callback !== 'function') return original(query, ...rest)
      const noting = (error: Failure | null, result: unknown) => {
        if (error) seen.queries.set(error, { sql: text, message: error.message })
        callback(error, result)
      }
      const send = (sql: string) =>
        original(typeof query === 'string' ? sql : { ...(query as object), text: sql }, ...rest.slice(0, -1), noting)
      if (knownRoles.length === 0) return send(text)
      void alterKnownRoles(text, knownRoles).then(
        rewritten => void send(rewritten.text),
        (error: unknown) => void callback(error),
      )
      return undefined
    }
    if (own) own(connection, done)
    else done(null, connection)
  }
}

function describe(thrown: unknown, seen: Seen): KnexAnswer {
  const outer: Failure = thrown instanceof Error ? thrown : { message: String(thrown) }
  const error = outer.original ?? outer
  const query = seen.queries.get(error)
  return {
    done: false,
    error: { ...serverFields(error), message: query?.message ?? error.message },
    ...(seen.module ? { module: seen.module, ...placeIn(seen.module, error.stack ?? '') } : {}),
    ...(query ? { sql: query.sql } : {}),
  }
}

function placeIn(module: string, stack: string): { line?: number; column?: number } {
  for (const path of [module, pathToFileURL(module).href]) {
    const at = stack.indexOf(path)
    const place = at === -1 ? null : /^(?:\?[^:]*)?:(\d+):(\d+)/.exec(stack.slice(at + path.length))
    if (place) return { line: Number(place[1]), column: Number(place[2]) }
  }
  return {}
}

/** Those fields of an error response that a message to another process may carry. */
function serverFields(error: object): ServerFields {
  const names = ['code', 'detail', 'hint', 'where', 'position'] as const
  const fields = error as Record<string, unknown>
  return Object.fromEntries(names.filter(name => typeof fields[name] === 'string').map(name => [name, fields[name]]))
}
