import type { EnvironmentsConfig, Variables } from '../config.js'
import { databaseOf } from '../resolve/database-url.js'
import { everyDatabase } from '../resolve/databases.js'
import { guardErrors } from './errors.js'
import { readMarker } from './marker.js'
import { openSession } from './session.js'

export interface TemplateGuardOptions {
  config: EnvironmentsConfig<string>
  variables: Variables
  envFile?: Variables
  /** The server of the templates: any database on it, and the role that makes them. */
  url: string
}

/**
 * The guard for `authorize` of pg-template-db, which makes and drops databases of its own and asks before each. Refused is a name
 * that a configured environment's database has, on whatever server, since one server has many addresses; and to drop what is marked.
 * A database that lets nobody in, as a finished template, cannot be looked into: there the registry's proof has to do.
 *
 * @throws SeedbedError, from the hook: GUARD_TEMPLATE_REFUSED, GUARD_CONNECTION_FAILED
 * @example const templates = await openTemplates({ url, authorize: authorizeTemplates({ config, variables: process.env, url }) })
 */
export function authorizeTemplates(
  options: TemplateGuardOptions,
): (operation: 'create' | 'drop', database: string) => Promise<void> {
  const named = new Map(everyDatabase(options).map(each => [databaseOf(each.url), each.environment]))
  const { url } = options
  return async (operation, name) => {
    const refuse = (problem: string) => guardErrors.GUARD_TEMPLATE_REFUSED({ operation, name, problem })
    const environment = named.get(name)
    if (environment !== undefined) throw refuse(`the config says that it is ${environment}`)
    if (operation === 'create' || !(await letsIn(url, name))) return
    const session = await openSession(url, name, name)
    try {
      const found = await readMarker(session)
      if ('marker' in found) throw refuse(`its marker says that it is ${found.marker.environment}`)
      if ('strange' in found) throw refuse(`something stands in the place of its marker: ${found.strange}`)
    } finally {
      await session.close()
    }
  }
}

/** Not a template that is finished, nor what an interrupted DROP DATABASE has left behind, nor what is gone. */
async function letsIn(url: string, name: string): Promise<boolean> {
  const session = await openSession(url, name)
  try {
    const { rows } = await session.query(
      `select from pg_catalog.pg_database where datname::pg_catalog.text operator(pg_catalog.=) $1
        and datallowconn and datconnlimit operator(pg_catalog.<>) -2`,
      [name],
    )
    return rows.length > 0
  } finally {
    await session.close()
  }
}
