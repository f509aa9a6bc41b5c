import { environmentErrors } from './errors.js'

/**
 * A URL that names a PostgreSQL database, without the blanks around it and with its port: where none is named, drivers take PGPORT,
 * which may lead to another server.
 *
 * @param from where it stands, for the error: never the URL itself, which may hold a password
 * @throws SeedbedError ENVIRONMENT_URL_INVALID
 */
export function parseUrl(text: string, environment: string, from: string): string {
  const problem = problemOf(text.trim())
  if (problem) throw environmentErrors.ENVIRONMENT_URL_INVALID({ environment, from, problem })
  const url = new URL(text.trim())
  if (url.hostname === '') url.searchParams.set('port', '5432')
  else url.port ||= '5432'
  return url.href
}

function problemOf(url: string): string | undefined {
  if (!/^postgres(ql)?:\/\//i.test(url)) return 'it does not begin with postgresql://'
  if (!URL.canParse(url)) return 'it does not parse; a password with characters such as / # ? has to be percent-encoded'
  const { hostname, pathname, searchParams } = new URL(url)
  if (hostname === '' && !searchParams.has('host')) return 'it names no host'
  // libpq would go to the first that answers: nobody can say which database that is.
  if (hostname.includes(',')) return 'it names several hosts'
  for (const name of ['dbname', 'hostaddr', 'service', 'servicefile']) {
    if (searchParams.has(name)) return `its parameter ${name} may lead elsewhere than the rest of it says`
  }
  if (hostname !== '' && searchParams.has('host')) return 'it names a host twice'
  if (searchParams.has('port')) return 'it names its port as a parameter'
  if (!/^\/[^/]+$/.test(pathname)) return 'it names no database'
  if (!isDecodable(pathname) || !isDecodable(hostname)) return 'it has a % that encodes nothing'
  return undefined
}

/** Whether a text is a URL of PostgreSQL's that can be taken apart. */
export function isUrl(text: string): boolean {
  if (!/^postgres(ql)?:\/\//i.test(text) || !URL.canParse(text)) return false
  const { hostname, pathname } = new URL(text)
  return isDecodable(hostname) && isDecodable(pathname)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** The database's name in a URL that `parseUrl` has let through. */
export function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1))
}

/** The same server and role, another database. */
export function withDatabaseName(url: string, database: string): string {
  const result = new URL(url)
  result.pathname = `/${encodeURIComponent(database)}`
  return result.href
}

/**
 * A URL of its parts, each encoded. A host that begins with a slash is the folder of a unix socket.
 *
 * @example urlOfParts({ host: '::1', port: '5432', user: 'ada', password: 'p@ss', database: 'shop' }) // 'postgresql://ada:p%40ss@[::1]:5432/shop'
 */
export function urlOfParts(parts: {
  host: string
  port: string
  user: string
  password: string
  database: string
  sslmode?: string | undefined
}): string {
  const host = parts.host.includes(':') ? `[${parts.host.replace(/^\[|\]$/g, '')}]` : encodeURIComponent(parts.host)
  const password = parts.password === '' ? '' : `:${encodeURIComponent(parts.password)}`
  const login = parts.user === '' ? '' : `${encodeURIComponent(parts.user)}${password}@`
  const query = parts.sslmode ? `?sslmode=${encodeURIComponent(parts.sslmode)}` : ''
  return `postgresql://${login}${host}:${parts.port}/${encodeURIComponent(parts.database)}${query}`
}

/**
 * A URL as it may be printed: without its password.
 *
 * @example printableUrl('postgresql://app:secret@localhost/shop') // 'postgresql://app@localhost/shop'
 */
export function printableUrl(url: string): string {
  const result = new URL(url)
  result.password = ''
  for (const name of [...result.searchParams.keys()]) if (/pass/i.test(name)) result.searchParams.delete(name)
  return result.href
}

/**
 * What two URLs of one database have in common, as far as can be told without a connection: `localhost:5432/shop`.
 *
 * @example placeOf('postgresql://a@127.0.0.1/shop') === placeOf('postgres://b:x@LOCALHOST:5432/shop') // true
 */
export function placeOf(url: string): string {
  return `${serverOf(url)}/${databaseOf(url)}`
}

/** The server's part of it: `localhost:5432`. Every name of this machine is one name, a socket's folder too. */
export function serverOf(url: string): string {
  const { hostname, port, searchParams } = new URL(url)
  const host = decodeURIComponent(hostname || (searchParams.get('host') ?? ''))
    .toLowerCase()
    .replace(/\.$/, '')
  const isHere =
    host.startsWith('/') || /^(|localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[0-9a-f:]+\])$/.test(host)
  return `${isHere ? 'localhost' : host}:${port || (searchParams.get('port') ?? '5432')}`
}
