import { createHash } from 'node:crypto'
import { listed } from '../errors/listed.js'

/** What a template is made of: a name for people → a hash or version. */
export type FingerprintParts = Record<string, string>

/** Changes whenever the way in which Seedbed builds a template does. */
export const templateFormat = '3'

/**
 * One key for all the parts, whatever their order.
 *
 * @example fingerprintKey({ 'PostgreSQL': '18.4', 'seeds/users.json': '9f…' }) // 64 hexadecimal digits
 */
export function fingerprintKey(parts: FingerprintParts): string {
  const sorted = Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex')
}

/**
 * What has changed between two templates, in one phrase; null if nothing has.
 *
 * @example describeChange({ 'a.sql': '1' }, { 'a.sql': '2', 'b.sql': '1' }) // 'a.sql changed, b.sql is new'
 */
export function describeChange(before: FingerprintParts, after: FingerprintParts): string | null {
  const changes = [
    ...Object.keys(after).flatMap(name =>
      before[name] === undefined
        ? [`${name} is new`]
        : before[name] === after[name]
          ? []
          : [`${name} changed${isVersion(before[name]) ? ` from ${before[name]} to ${after[name]}` : ''}`],
    ),
    ...Object.keys(before).flatMap(name => (after[name] === undefined ? [`${name} is gone`] : [])),
  ]
  if (changes.length === 0) return null
  return listed(changes)
}

const isVersion = (value: string | undefined) => value !== undefined && /^\d+(\.\d+)*$/.test(value)
