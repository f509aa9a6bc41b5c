/** What of a drizzle.config decides about the migrations. */
export interface DrizzleConfig {
  /** The folder, from the config's own folder; undefined if it is not written as a plain text. */
  out: string | undefined
  /** Where drizzle notes what it has applied. */
  schema: string
  table: string
}

/**
 * Reads a drizzle.config's text as it is written. Running it would take 40 ms in every test run, and many throw where
 * DATABASE_URL is not set.
 *
 * @example readDrizzleConfig("export default { out: './db' }").out // './db'
 */
export function readDrizzleConfig(source: string): DrizzleConfig {
  const text = source.replaceAll(/(^|[\s,{])\/\/.*$/gm, '$1')
  const bookkeeping = /\bmigrations["']?\s*:\s*\{([^}]*)\}/.exec(text)?.[1] ?? ''
  const out = plainOption(text, 'out')
  return {
    out: out ?? (/\bout["']?\s*:/.test(text) ? undefined : './drizzle'),
    schema: plainOption(bookkeeping, 'schema') ?? 'drizzle',
    table: plainOption(bookkeeping, 'table') ?? '__drizzle_migrations',
  }
}

function plainOption(text: string, name: string): string | undefined {
  return new RegExp(`\\b${name}["']?\\s*:\\s*(["'\`])(.*?)\\1`).exec(text)?.[2]
}
