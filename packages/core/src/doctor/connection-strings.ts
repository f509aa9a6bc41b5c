import { isUrl, placeOf } from '@seedbed/environments'

/** A connection string with a password, of which the password is not kept. */
export interface ConnectionString {
  /** From 1. */
  line: number
  user: string
  host: string
  /** `db.example.com:5432/shop`; null if it cannot be told. */
  place: string | null
  /** Whether it is a placeholder, of an example's host, or of this machine alone. */
  isHarmless: boolean
}

/**
 * Finds `postgresql://user:password@host/…` with any driver's scheme, and libpq's `host=… password=…`. Where a variable stands in the
 * password's place there is none.
 *
 * @example connectionStringsIn('postgres://ada:x9!k@db.example.com/shop') // [{ line: 1, user: 'ada', host: 'db.example.com', … }]
 */
export function connectionStringsIn(text: string): ConnectionString[] {
  // Most files have neither, and most lines of the others.
  if (!mayHold.test(text)) return []
  return text.split('\n').flatMap((line, index) => {
    if (line.length > longestLine || !mayHold.test(line)) return []
    return [...urlsIn(line), ...wordsIn(line)].map(each => ({ line: index + 1, ...each }))
  })
}

const mayHold = /postgres[\w+]*:\/\/|password\s*=/i

/** A longer one was written by a program. */
const longestLine = 4_000

function urlsIn(line: string): Omit<ConnectionString, 'line'>[] {
  return [...line.matchAll(urlPattern)].flatMap(([, user, password, address]) => {
    const [, host = '', port = '5432', database = ''] = addressPattern.exec(address!) ?? []
    return described({ user: user!, password: password!, host, port, database })
  })
}

const urlPattern =
  /\bpostgres(?:ql)?(?:\+\w+)?:\/\/([^\s:/@"'`]+):([^\s"'`]+)@([^\s"'`<>()[\]@]+|\[[^\]]+\][^\s"'`<>()]*)/gi
const addressPattern = /^(\[[^\]]+\]|[^:/?]+)(?::(\d+))?(?:\/([^/?#;,]*))?/

function wordsIn(line: string): Omit<ConnectionString, 'line'>[] {
  const word = (name: string) => new RegExp(`(?:^|[\\s"'\`])${name}\\s*=\\s*([^\\s"'\`;]+)`).exec(line)?.[1]
  const [host, password] = [word('host'), word('password')]
  if (host === undefined || password === undefined) return []
  const [user = 'unknown', port = '5432', database = ''] = ['user', 'port', 'dbname'].map(word)
  return described({ user, password, host, port, database })
}

function described(parts: { user: string; password: string; host: string; port: string; database: string }) {
  const { user, password, host, port, database } = parts
  if (isVariable(password) || isTemplate(host)) return []
  const url = `postgresql://${host}:${port}/${database}`
  const isWhole = isUrl(url) && /^\d+$/.test(port) && database !== ''
  const isHarmless = isPlaceholder(password, user) || isHere(host) || isExample(host)
  return [{ user: isTemplate(user) ? 'unknown' : user, host, place: isWhole ? placeOf(url) : null, isHarmless }]
}

/** `$DB_PASSWORD`, `${password}`, `{{ password }}`, `<password>`. */
const isTemplate = (text: string) => /^[$<{]|\$\{|\{\{/.test(text)

/** The same, `%s`, `[password]`, `***`, `…`. */
const isVariable = (text: string) => isTemplate(text) || /^(%s|[[*.…])/.test(text)

const isPlaceholder = (password: string, user: string) =>
  password === user ||
  /^(x+|(my|your|the)?[-_]?(pass(word)?|pw|pwd|secret)[-_]?\d{0,3}|s3cret|postgres(ql)?|root|admin|test(s|er|ing)?|example|change[-_]?me|to[-_]?do|dummy|fake|foo|bar|abc\d*|1234\d*)$/i.test(
    password,
  )

/** This machine, or a name without a dot, which only a network of containers knows. */
const isHere = (host: string) =>
  /^(localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\]|%2f.*|\/.*|host\.docker\.internal|[a-z0-9_-]+)$/i.test(host)

/** RFC 2606 and RFC 6761. */
const isExample = (host: string) => /(^|\.)example\.(com|net|org|edu)$|\.(example|invalid|test|localhost)$/i.test(host)
