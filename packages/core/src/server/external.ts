import { userInfo } from 'node:os'
import type { Client } from 'pg'
import { printableUrl } from './database-url.js'
import { serverErrors } from './errors.js'
import { loadPg } from './load-pg.js'
import { explainNoConnection, refuseFewConnections } from './no-connection.js'
import { poolModeOf, type PoolMode } from './pooler.js'
import type { Server } from './server.js'

const oldest = 150_000
const connectWithin = 15_000

/**
 * A server that somebody else runs: checked, and left as it is. Its URL serves for everything, so that the role needs
 * CREATEDB.
 *
 * @param workers how many workers shall find room on it
 * @throws `SERVER_URL_INVALID`, `SERVER_UNREACHABLE`, `SERVER_REFUSES_LOGIN`, `SERVER_DATABASE_MISSING`,
 *   `SERVER_CERTIFICATE_REFUSED`, `SERVER_CONNECTION_FAILED`, `SERVER_NO_CONNECTION`,
 *   `SERVER_POOLER_SHARES_SESSIONS`, `SERVER_TOO_OLD`, `SERVER_READ_ONLY`, `SERVER_ROLE_CANNOT_CREATE_DATABASES`
 * @example await using server = await openExternal('postgresql://app:secret@localhost:5432/test')
 */
export async function openExternal(url: string, { workers = 1 } = {}): Promise<Server> {
  const complete = completeUrl(url)
  const found = await look(complete, workers)
  const printable = printableUrl(complete)
  if (found.number < oldest) throw serverErrors.SERVER_TOO_OLD({ url: printable, version: found.version })
  if (found.isStandby) throw serverErrors.SERVER_READ_ONLY({ url: printable })
  if (!found.mayCreate) {
    const statement = `ALTER ROLE ${loadPg().escapeIdentifier(found.role)} CREATEDB`
    throw serverErrors.SERVER_ROLE_CANNOT_CREATE_DATABASES({ url: printable, role: found.role, statement })
  }
  refuseFewConnections(found, { url: printable, role: found.role, workers })
  return {
    kind: 'external',
    description: `PostgreSQL ${found.version} at ${decodeURIComponent(new URL(complete).host)}`,
    version: found.version,
    origin: 'attached',
    adminUrl: complete,
    applicationUrl: complete,
    passwordIn: new URL(complete).password ? 'environments.test.url (by default TEST_DATABASE_URL)' : null,
    copy: 'wal_log',
    pooler: found.pooled,
    [Symbol.asyncDispose]: async () => {},
  }
}

/**
 * Checks a URL and fills in what it leaves to defaults: a driver would take them from PGUSER, PGHOST and PGPORT, which
 * in a test run name another place.
 */
function completeUrl(text: string): string {
  if (!URL.canParse(text.trim())) throw serverErrors.SERVER_URL_INVALID({ problem: 'it cannot be parsed' })
  const url = new URL(text.trim())
  if (!['postgres:', 'postgresql:'].includes(url.protocol)) {
    throw serverErrors.SERVER_URL_INVALID({ problem: `it begins with ${url.protocol} instead of postgresql:` })
  }
  if (!/^\/[^/]/.test(url.pathname)) throw serverErrors.SERVER_URL_INVALID({ problem: 'it names no database' })
  const parts = [url.username, url.password, url.hostname, url.pathname]
  if (!parts.every(canDecode)) throw serverErrors.SERVER_URL_INVALID({ problem: 'it has a % that encodes nothing' })
  const hasParameter = (name: string) => url.searchParams.has(name)
  if (!url.hostname && !hasParameter('host')) url.hostname = 'localhost'
  if (url.hostname && !url.username && !hasParameter('user')) url.username = encodeURIComponent(ownName())
  if (url.hostname && !url.port && !hasParameter('port')) url.port = '5432'
  return url.href
}

async function look(url: string, workers: number): Promise<Found & { pooled: boolean }> {
  const clients: Client[] = []
  async function connected() {
    const client = new (loadPg().Client)({
      connectionString: url,
      application_name: 'seedbed',
      connectionTimeoutMillis: connectWithin,
      query_timeout: connectWithin, // a pooler lets one wait whose pool is empty
    }) as Client & { processID: number }
    client.on('error', () => {})
    clients.push(client)
    await client.connect()
    return client
  }
  let mode: PoolMode = 'session'
  try {
    const client = await connected()
    const found = (await client.query<Found>(foundQuery)).rows[0]!
    // A pooler tells each client of a process that there is not.
    const pooled = found.pid !== client.processID
    if (pooled) mode = await poolModeOf(client, await connected())
    if (mode === 'session') return { ...found, pooled }
  } catch (error) {
    throw explain(error as Failure, url, workers)
  } finally {
    await Promise.all(clients.map(client => client.end().catch(() => {})))
  }
  throw serverErrors.SERVER_POOLER_SHARES_SESSIONS({ url: printableUrl(url), mode })
}

interface Found {
  /** Of the session's process on the server. */
  pid: number
  version: string
  number: number
  role: string
  mayCreate: boolean
  isStandby: boolean
  ofRole: number | null
  ofServer: number
}

// Neither a superuser nor pg_use_reserved_connections (of 16) has to leave anything to others.
const foundQuery = `
  select pg_catalog.pg_backend_pid() as pid, split_part(current_setting('server_version'), ' ', 1) as version,
         current_setting('server_version_num')::int as number,
         rolname::text as role,
         rolsuper or rolcreatedb as "mayCreate",
         pg_catalog.pg_is_in_recovery() as "isStandby",
         case when not rolsuper and rolconnlimit >= 0 then rolconnlimit end as "ofRole",
         current_setting('max_connections')::int - case
           when rolsuper then 0
           when exists (select from pg_catalog.pg_roles r
                         where r.rolname = 'pg_use_reserved_connections' and pg_catalog.pg_has_role(r.oid, 'usage'))
             then current_setting('superuser_reserved_connections')::int
           else current_setting('superuser_reserved_connections')::int
                + coalesce(current_setting('reserved_connections', true), '0')::int
         end as "ofServer"
    from pg_catalog.pg_roles where rolname = current_user`

interface Failure extends Error {
  code?: string
  path?: string
}

function explain(error: Failure, url: string, workers: number): Error {
  const { code = '' } = error
  // An AggregateError, one attempt for each address, has no text of its own.
  const problem = error.message || (error instanceof AggregateError ? (error.errors[0] as Error).message : code)
  const details = { url: printableUrl(url), problem }
  const role = decodeURIComponent(new URL(url).username)
  const noConnection = explainNoConnection(error, { url: details.url, role, workers })
  if (noConnection) return noConnection
  if (isOfTls(error)) return serverErrors.SERVER_CERTIFICATE_REFUSED(details, { cause: error })
  const unreachable = [
    'ECONNREFUSED',
    'ENOENT',
    'ENOTFOUND',
    'EAI_AGAIN',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EACCES',
  ]
  if (unreachable.includes(code) || /timeout/.test(problem))
    return serverErrors.SERVER_UNREACHABLE(details, { cause: error })
  // PgBouncer has one code for all that it refuses.
  if (code.startsWith('28') || /authentication failed|no such user/.test(problem))
    return serverErrors.SERVER_REFUSES_LOGIN(details, { cause: error })
  if (/client password must be/.test(problem)) {
    return serverErrors.SERVER_REFUSES_LOGIN(
      { ...details, problem: 'it wants a password, and the URL has none' },
      { cause: error },
    )
  }
  if (code === '3D000') {
    const database = decodeURIComponent(new URL(url).pathname.slice(1))
    return serverErrors.SERVER_DATABASE_MISSING({ url: details.url, database }, { cause: error })
  }
  return serverErrors.SERVER_CONNECTION_FAILED(details, { cause: error })
}

/** Node's codes for a certificate that is not accepted, and a file of sslrootcert, sslcert or sslkey that cannot be read. */
function isOfTls({ code = '', path }: Failure): boolean {
  return /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code) || path !== undefined
}

function ownName(): string {
  try {
    return userInfo().username
  } catch {
    return 'postgres'
  }
}

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
