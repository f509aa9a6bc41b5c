import type { Variables } from '../config.js'
import { everyUrl, partPrefixes } from '../resolve/addresses.js'
import { isUrl, placeOf, serverOf } from '../resolve/database-url.js'
import { knownEnvironments, type KnownEnvironment } from '../resolve/known-environments.js'
import type { ResolveInput } from '../resolve/resolve-environment.js'
import { urlParts } from './connection-variables.js'

/** A variable that leads to a protected environment. */
export interface Refusal {
  variable: string
  environment: string
  /** What to put in its place: it reaches nothing and says why. A deleted variable would be loaded again from `.env`. */
  value: string
}

/**
 * Finds the variables that lead to a protected environment: those that hold its URL in any form, and those that hold its host,
 * or on a server that it shares with others the name of its database.
 *
 * @param input says where the environments are; it is looked at once
 * @param except the name of an environment that was chosen
 * @returns a function of the variables to look through
 * @example for (const { variable, value } of refusalsOf(input)({ ...input.envFile, ...process.env })) process.env[variable] = value
 */
export function refusalsOf(input: ResolveInput<string>, except?: string): (variables: Variables) => Refusal[] {
  const known = knownEnvironments(input.config)
  const isOpen = ({ name, protected: isProtected }: KnownEnvironment) => !isProtected || name === except
  const placesOf = (environments: KnownEnvironment[]) =>
    environments.flatMap(environment => known.databases.flatMap(database => places(environment, database, input)))
  const open = placesOf(known.named.filter(isOpen))
  const closed = placesOf(known.named.filter(environment => !isOpen(environment)))

  return variables =>
    Object.entries(variables).flatMap(([variable, value]) => {
      const environment = value ? leadsTo(variable, value, variables) : undefined
      return environment === undefined ? [] : [{ variable, environment, value: refusing(value!, environment) }]
    })

  function leadsTo(variable: string, value: string, variables: Variables): string | undefined {
    const url = urlIn(value)
    if (url !== undefined) {
      const isShared = open.some(place => place.server === serverOf(url))
      const fits = (place: Place) => place.place === placeOf(url) || (!isShared && place.server === serverOf(url))
      return closed.find(fits)?.environment
    }
    const host = hostOf(value)
    const isSharedHost = open.some(place => place.host === host)
    const ofHost = closed.find(({ host: own, prefixes }) =>
      isSharedHost ? prefixes.some(prefix => variable === `${prefix}HOST`) : own === host,
    )
    if (ofHost) return ofHost.environment
    const prefix = /^(.*?)(NAME|DATABASE|DBNAME|DB)$/i.exec(variable)?.[1]
    const beside = prefix === undefined ? undefined : variables[`${prefix}HOST`]
    if (beside === undefined) return undefined
    return closed.find(place => place.database === value && place.host === hostOf(beside))?.environment
  }
}

interface Place {
  environment: string
  /** `db.example.com:5432/shop`, `db.example.com:5432`, `db.example.com`, `shop`. */
  place: string
  server: string
  host: string
  database: string
  prefixes: string[]
}

function places(environment: KnownEnvironment, database: string, input: ResolveInput<string>): Place[] {
  return everyUrl(environment, database, input).map(url => ({
    environment: environment.name,
    place: placeOf(url),
    server: serverOf(url),
    host: hostOf(urlParts(url).host),
    database: urlParts(url).database,
    prefixes: partPrefixes(environment, database),
  }))
}

/** Whatever scheme a driver wants (`postgresql+asyncpg:`, `jdbc:postgresql:`), and libpq's `host=… dbname=…`. */
function urlIn(value: string): string | undefined {
  const text = value.trim()
  const url = text.replace(/^(jdbc:)?postgres(ql)?(\+\w+)?:\/\//i, 'postgresql://')
  if (isUrl(url)) return url
  const word = (name: string) => new RegExp(`(?:^|\\s)${name}\\s*=\\s*'?([^'\\s]+)`).exec(text)?.[1]
  const host = word('hostaddr') ?? word('host')
  if (host === undefined) return undefined
  const encoded = host.includes(':') ? `[${host}]` : encodeURIComponent(host)
  const fromWords = `postgresql://${encoded}:${word('port') ?? '5432'}/${encodeURIComponent(word('dbname') ?? 'unknown')}`
  return isUrl(fromWords) ? fromWords : undefined
}

/** A name is compared as the network does: without case, every name of this machine alike. */
function hostOf(host: string): string {
  const encoded = host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : encodeURIComponent(host.trim())
  const url = `postgresql://${encoded}/any`
  return isUrl(url) ? serverOf(url).replace(/:5432$/, '') : host
}

/**
 * A URL, or a host, that reaches nothing and explains itself: the folder of a unix socket that does not exist, so that a
 * driver fails at once, without a name to look up, with an error like "connect ENOENT /seedbed: production is refused here/…".
 */
function refusing(value: string, environment: string): string {
  const folder = `/seedbed: ${environment.slice(0, 40)} is refused here`
  return value.includes('://')
    ? `postgresql://nobody@${encodeURIComponent(folder)}/refused`
    : urlIn(value)
      ? `host='${folder}'`
      : folder
}
