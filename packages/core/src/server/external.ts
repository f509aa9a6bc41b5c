import { userInfo } from 'node:os'
import { printableUrl } from './database-url.js'
import { serverErrors } from './errors.js'
import { loadPg } from './load-pg.js'
import type { Server } from './server.js'

const oldest = 150_000
const connectWithin = 15_000

/**
 * A server that somebody else runs: checked, and left as it is. Its URL serves for everything, so that the role needs
 * CREATEDB.
 *
 * @throws `SERVER_URL_INVALID`, `SERVER_UNREACHABLE`, `SERVER_REFUSES_LOGIN`, `SERVER_DATABASE_MISSING`,
 *   `SERVER_CONNECTION_FAILED`, `SERVER_TOO_OLD`, `SERVER_READ_ONLY`, `SERVER_ROLE_CANNOT_CREATE_DATABASES`
 * @example await using server = await openExternal('postgresql://app:secret@localhost:5432/test')
 */
export async function openExternal(url: string): Promise<Server> {
  const complete = completeUrl(url)
  const found = await look(complete)
  const printable = printableUrl(complete)
  if (found.number < oldest) throw serverErrors.SERVER_TOO_OLD({ url: printable, version: found.version })
  if (found.isStandby) throw serverErrors.SERVER_READ_ONLY({ url: printable })
  if (!found.mayCreate) {
    const statement = `ALTER ROLE ${loadPg().escapeIdentifier(found.role)} CREATEDB`
    throw serverErrors.SERVER_ROLE_CANNOT_CREATE_DATABASES({ url: printable, role: found.role, statement })
  }
  return {
    kind: 'external',
    description: `PostgreSQL ${found.version} at ${decodeURIComponent(new URL(complete).host)}`,
    version: found.version,
    origin: 'attached',
    adminUrl: complete,
    applicationUrl: complete,
    passwordIn: new URL(complete).password ? 'environments.test.url (by default TEST_DATABASE_URL)' : null,
    copy: 'wal_log',
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

async function look(url: string) {
  const { Client } = loadPg()
  const client = new Client({
    connectionString: url,
    application_name: 'seedbed',
    connectionTimeoutMillis: connectWithin,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<Found>(`
      select split_part(current_setting('server_version'), ' ', 1) as version,
             current_setting('server_version_num')::int as number,
             current_user::text as role,
             (select rolsuper or rolcreatedb from pg_catalog.pg_roles where rolname = current_user) as "mayCreate",
             pg_catalog.pg_is_in_recovery() as "isStandby"`)
    return rows[0] as Found
  } catch (error) {
    throw explain(error as Error & { code?: string }, url)
  } finally {
    await client.end().catch(() => {})
  }
}

interface Found {
  version: string
  number: number
  role: string
  mayCreate: boolean
  isStandby: boolean
}

function explain(error: Error & { code?: string }, url: string): Error {
  const { code = '' } = error
  // An AggregateError, one attempt for each address, has no text of its own.
  const problem = error.message || (error instanceof AggregateError ? (error.errors[0] as Error).message : code)
  const details = { url: printableUrl(url), problem }
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
  if (code.startsWith('28')) return serverErrors.SERVER_REFUSES_LOGIN(details, { cause: error })
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
