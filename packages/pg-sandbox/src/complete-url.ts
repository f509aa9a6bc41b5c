export interface CompleteUrl {
  url: string
  user: string
  database: string
}

export type UrlDefaults = ReturnType<typeof urlDefaults>

/** What libpq and `pg` take from the environment where a URL leaves it open, as it is now: a moment later it may name a sandbox itself. */
export function urlDefaults() {
  const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE } = process.env
  return { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE }
}

/**
 * The URL with its defaults. It is put together when somebody asks for it, which nobody does where nothing connects.
 *
 * @param url one that can be parsed
 */
export function completeUrl(
  url: string,
  { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE }: UrlDefaults,
): () => CompleteUrl {
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
