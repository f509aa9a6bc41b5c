import { applicationErrors } from './errors.js'

/** The schemes of libpq, of SQLAlchemy's drivers, and of JDBC. */
export type Dialect =
  | 'postgresql'
  | 'postgres'
  | 'postgresql+asyncpg'
  | 'postgresql+psycopg'
  | 'postgresql+psycopg2'
  | 'jdbc:postgresql'

/**
 * A URL in the form that a driver wants.
 *
 * @throws SeedbedError DIALECT_WITHOUT_SOCKET: JDBC knows no unix sockets
 * @example inDialect('postgresql://app:x@db/shop?sslmode=require', 'postgresql+asyncpg') // 'postgresql+asyncpg://app:x@db/shop?ssl=require'
 */
export function inDialect(url: string, dialect: Dialect): string {
  const { username, password, hostname, port, pathname, searchParams } = new URL(url)
  const socket = decodeURIComponent(hostname).startsWith('/') ? decodeURIComponent(hostname) : undefined
  let host = port === '' ? hostname : `${hostname}:${port}`
  let login = password === '' ? username : `${username}:${password}`
  if (dialect === 'jdbc:postgresql') {
    if (socket !== undefined) throw applicationErrors.DIALECT_WITHOUT_SOCKET({ dialect })
    // The driver reads neither before the host.
    if (username !== '') searchParams.set('user', decodeURIComponent(username))
    if (password !== '') searchParams.set('password', decodeURIComponent(password))
    login = ''
  } else if (dialect.includes('+')) {
    // SQLAlchemy hands the host on as it stands, percent signs and all.
    if (socket !== undefined) {
      searchParams.set('host', socket)
      if (port !== '') searchParams.set('port', port)
      host = ''
    }
    const sslmode = searchParams.get('sslmode')
    if (dialect === 'postgresql+asyncpg' && sslmode !== null) {
      searchParams.delete('sslmode')
      searchParams.set('ssl', sslmode)
    }
  }
  const query = searchParams.size > 0 ? `?${searchParams.toString()}` : ''
  return `${dialect}://${login === '' ? '' : `${login}@`}${host}${pathname}${query}`
}
