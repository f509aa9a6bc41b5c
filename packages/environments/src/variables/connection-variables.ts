/** A connection in its parts. */
export interface UrlParts {
  url: string
  host: string
  port: number
  user: string
  password: string
  database: string
}

/**
 * Every variable from which libpq takes a connection parameter, but the five of a connection's address. Left as they are they
 * would redirect or break a connection: PGHOSTADDR goes before PGHOST, PGSSLMODE=require fails on a socket.
 * Source: PostgreSQL manual, libpq, "Environment Variables".
 */
const otherLibpqVariables = [
  'PGAPPNAME', 'PGCHANNELBINDING', 'PGCLIENTENCODING', 'PGCONNECT_TIMEOUT', 'PGDATESTYLE', 'PGGEQO', 'PGGSSDELEGATION',
  'PGGSSENCMODE', 'PGGSSLIB', 'PGHOSTADDR', 'PGKRBSRVNAME', 'PGLOADBALANCEHOSTS', 'PGLOCALEDIR', 'PGMAXPROTOCOLVERSION',
  'PGMINPROTOCOLVERSION', 'PGOPTIONS', 'PGPASSFILE', 'PGREQUIREAUTH', 'PGREQUIREPEER', 'PGREQUIRESSL', 'PGSERVICE',
  'PGSERVICEFILE', 'PGSSLCERT', 'PGSSLCERTMODE', 'PGSSLCOMPRESSION', 'PGSSLCRL', 'PGSSLCRLDIR', 'PGSSLKEY',
  'PGSSLKEYLOGFILE', 'PGSSLMAXPROTOCOLVERSION', 'PGSSLMINPROTOCOLVERSION', 'PGSSLMODE', 'PGSSLNEGOTIATION',
  'PGSSLROOTCERT', 'PGSSLSNI', 'PGSYSCONFDIR', 'PGTARGETSESSIONATTRS', 'PGTZ', 'PGOAUTHDEBUG',
] // prettier-ignore

/**
 * The variables with which every program connects to `url`: `null` stands for one that has to be unset.
 *
 * @example connectionVariables('postgresql://app:x@localhost:5432/shop').PGDATABASE // 'shop'
 */
export function connectionVariables(url: string): Record<string, string | null> {
  const parts = urlParts(url)
  return {
    ...Object.fromEntries(otherLibpqVariables.map(name => [name, null])),
    ...tlsVariables(url),
    DATABASE_URL: url,
    PGHOST: parts.host,
    PGPORT: String(parts.port),
    PGUSER: parts.user,
    PGPASSWORD: parts.password,
    PGDATABASE: parts.database,
  }
}

/** A URL in its parts; a socket's folder, percent-encoded in the URL, is a plain path as the host. */
export function urlParts(url: string): UrlParts {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    url,
    // An IPv6 address stands in brackets in a URL and without them in PGHOST.
    host: decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 5432 : Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
  }
}

/** What `?sslmode=verify-full&sslrootcert=…` says in a URL must hold for whoever reads only PG*. */
function tlsVariables(url: string): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const [name, value] of new URL(url).searchParams) {
    if (name.startsWith('ssl')) variables[`PG${name.toUpperCase()}`] = value
  }
  return variables
}

/** Sets and unsets them in this process. */
export function applyVariables(variables: Record<string, string | null>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === null) delete process.env[name]
    else process.env[name] = value
  }
}
