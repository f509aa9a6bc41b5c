/**
 * The same server and role, another database. The port is named, lest it be taken from PGPORT, which in a worker is that of
 * its sandbox.
 *
 * @example withDatabase('postgresql://app@localhost/postgres', 'shop') // 'postgresql://app@localhost:5432/shop'
 */
export function withDatabase(url: string, database: string): string {
  const result = new URL(url)
  result.port ||= '5432'
  result.pathname = `/${encodeURIComponent(database)}`
  return result.href
}

/**
 * A URL as it may be printed: the password is left out.
 *
 * @example printableUrl('postgresql://app:secret@localhost/shop') // 'postgresql://app@localhost/shop'
 */
export function printableUrl(url: string): string {
  const result = new URL(url)
  result.password = ''
  for (const name of [...result.searchParams.keys()])
    if (/password|passfile/i.test(name)) result.searchParams.delete(name)
  return result.href
}
