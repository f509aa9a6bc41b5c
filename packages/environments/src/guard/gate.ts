import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EnvironmentsConfig, Variables } from '../config.js'
import { databaseOf, parseUrl, placeOf } from '../resolve/database-url.js'
import { everyDatabase } from '../resolve/databases.js'
import { environmentErrors } from '../resolve/errors.js'
import { knownEnvironments, misconfigured } from '../resolve/known-environments.js'
import type { ResolvedEnvironment } from '../resolve/resolve-environment.js'
import { runnerOf } from '../resolve/runner.js'
import { guardErrors } from './errors.js'
import type { Owner } from './marker.js'

/** One database of an environment, by its base name. */
export interface GuardTarget<Database extends string = string> {
  environment: ResolvedEnvironment<Database>
  database: Database
}

export interface GuardOptions {
  /** What the environment was resolved from. */
  config: EnvironmentsConfig<string>
  variables: Variables
  envFile?: Variables
  /** The project's folder: its package.json names the project; its `.seedbed` has the audit log and what is remembered. */
  folder: string
  /** What was called, for the audit log. @default the process's command line */
  command?: string
}

/** What would be gone afterwards. */
export type DestructiveOperation = 'reset' | 'drop' | 'truncate' | 'overwrite'

/** `create` is for a database that is not there yet; `preserve` marks rows that a reset keeps. */
export type Operation = DestructiveOperation | 'migrate' | 'seed' | 'create' | 'preserve'

const destructive: readonly string[] = ['reset', 'drop', 'truncate', 'overwrite'] satisfies DestructiveOperation[]

export const isDestructive = (operation: string) => destructive.includes(operation)

/** Whose the database has to be, and where it is. */
export interface Wanted extends Owner {
  protected: boolean
  url: string
  /** The database's name on its server. */
  name: string
}

/**
 * Everything that can be refused without a connection. What may be done follows from the config: what the target says of
 * itself counts only where it is stricter.
 *
 * @throws SeedbedError GUARD_PROTECTED, GUARD_ENVIRONMENT_DIFFERS, GUARD_ONLY_TEST, ENVIRONMENTS_SHARE_DATABASE,
 *   ENVIRONMENT_WITHOUT_URL, ENVIRONMENT_URL_INVALID, ENVIRONMENTS_MISCONFIGURED
 */
export function passGate({ environment, database }: GuardTarget, operation: string, options: GuardOptions): Wanted {
  const { config, variables, envFile = {}, folder } = options
  const { name, tier } = environment
  const known = knownEnvironments(config)
  const configured = known.find(name)
  const isProtected = [environment, configured].some(each => each?.protected || each?.tier === 'production')
  if (isProtected && isDestructive(operation)) throw guardErrors.GUARD_PROTECTED({ environment: name, operation })

  const differs = (problem: string) => guardErrors.GUARD_ENVIRONMENT_DIFFERS({ environment: name, problem })
  if (!configured) throw differs('the config does not have it')
  if (configured.name !== name) throw differs(`the config calls it ${configured.name}`)
  if (configured.tier !== tier) throw differs(`the config says that its tier is ${configured.tier}`)
  if (!known.databases.includes(database)) throw differs(`the config has no database ${database}`)

  const runner = runnerOf(variables)
  if (runner && name !== 'test') throw guardErrors.GUARD_ONLY_TEST({ environment: name, runner })

  const address = environment.databases[database]
  if (!address) throw environmentErrors.ENVIRONMENT_WITHOUT_URL({ environment: name, database, ways: [] })
  const url = parseUrl(address.url, name, `databases.${database}`)
  if (databaseOf(url) !== address.database) throw differs('its URL names another database than it does')
  const other = everyDatabase({ config, variables, envFile }).find(
    each => placeOf(each.url) === placeOf(url) && !(each.environment === name && each.database === database),
  )
  if (other) {
    const [first, second] = [{ environment: name, database }, other]
    throw environmentErrors.ENVIRONMENTS_SHARE_DATABASE({ first, second, place: placeOf(url) })
  }
  const project = projectOf(config, folder)
  return { project, environment: name, tier, database, protected: isProtected, url, name: address.database }
}

/** @throws SeedbedError ENVIRONMENTS_MISCONFIGURED if nothing names the project */
export function projectOf({ project }: EnvironmentsConfig<string>, folder: string): string {
  if (project !== undefined) return project
  let name: unknown
  try {
    name = (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown }).name
  } catch {
    // No package.json, or none that can be read: nothing names the project.
  }
  if (typeof name !== 'string')
    throw misconfigured('project', `it is missing, and ${folder} has no package.json with a name`)
  return name
}

/** For messages: `production (production), main of shop`. */
export function describeOwner({ environment, tier, database, project }: Owner): string {
  return `${environment} (${tier}), ${database} of ${project}`
}

export function isSameOwner(first: Owner, second: Owner): boolean {
  return (['project', 'environment', 'tier', 'database'] satisfies (keyof Owner)[]).every(
    key => first[key] === second[key],
  )
}
