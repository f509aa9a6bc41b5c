export interface CompleteUrl {
  url: string
  user: string
  database: string
}

/**
 * The URL with all that libpq and `pg` would take from the environment as it is now: a moment later that may name this
 * sandbox itself. It is put together when somebody asks for it, which nobody does where nothing connects.
 *
 * @param url one that can be parsed
 */
export function completeUrl(url: string): () => CompleteUrl {
  const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE } = process.env
  let complete: CompleteUrl | undefined

  function putTogether(): CompleteUrl {
    const full = new URL(url)
    const given = (name: string, part: string, otherwise: string | undefined) => {
      const value = decodeURIComponent(part) || full.searchParams.get(name) || otherwise || ''
      if (part === '' && value !== '') full.searchParams.set(name, value)
      return value
    }
    const user = given('user', full.username, PGUSER || (full.username === '' ? systemUser() : ''))
    given('password', full.password, PGPASSWORD)
    given('host', full.hostname, PGHOST || 'localhost')
    given('port', full.port, PGPORT || '5432')
    given('sslmode', '', PGSSLMODE)
    const database = decodeURIComponent(full.pathname.slice(1)) || PGDATABASE || user
    full.pathname = encodeURIComponent(database)
    return { url: full.href, user, database }
  }
  return () => (complete ??= putTogether())
}

const systemUser = () => process.getBuiltinModule('node:os').userInfo().username

// Taken before a test can put others in their place.
const { URL } = globalThis
