import type { Variables } from '../config.js'
import { isUrl, placeOf, serverOf } from '../resolve/database-url.js'
import { everyDatabase, type NamedUrl } from '../resolve/databases.js'
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
 * @returns a function of the variables, by default the input's own, and of the names of those to look at, by default all
 * @example for (const { variable, value } of refusalsOf(input)()) process.env[variable] = value
 */
export function refusalsOf(
  input: ResolveInput<string>,
  except?: string,
): (variables?: Variables, names?: string[]) => Refusal[] {
  const places = everyDatabase(input).map(each => ({ ...placesOf(each.url), ...each }))
  const isOpen = (place: Place) => !place.protected || place.environment === except
  const open = places.filter(isOpen)
  const closed = places.filter(place => !isOpen(place))

  return (variables = bothOf(input), names = Object.keys(variables)) =>
    names.flatMap(variable => {
      const value = variables[variable]
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
    // Every path and every `localhost` is this machine: that alone says nothing.
    const isElsewhere = host !== 'localhost' && !open.some(place => place.host === host)
    return closed.find(place => (isElsewhere && place.host === host) || isPart(variable, variables, place))?.environment
  }
}

/** Whether a variable is one of two of the same beginning that hold its host and its name, such as OLD_DB_HOST and OLD_DB_NAME. */
function isPart(variable: string, variables: Variables, { host, name }: Place): boolean {
  const prefix = /^(.*?)(HOST|NAME|DATABASE|DBNAME|DB)$/i.exec(variable)?.[1]
  if (prefix === undefined) return false
  const hostThere = variables[`${prefix}HOST`]
  const names = ['NAME', 'DATABASE', 'DBNAME', 'DB'].map(part => variables[prefix + part])
  return hostThere !== undefined && hostOf(hostThere) === host && names.includes(name)
}

/** What `dotenv` leaves: a variable that the process has, even an empty one, is not loaded. */
function bothOf({ variables, envFile }: ResolveInput<string>): Variables {
  return { ...envFile, ...Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined)) }
}

type Place = NamedUrl & ReturnType<typeof placesOf>

function placesOf(url: string) {
  const { host, database } = urlParts(url)
  return { place: placeOf(url), server: serverOf(url), host: hostOf(host), name: database }
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
