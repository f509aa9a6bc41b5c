import { createRequire } from 'node:module'

/**
 * The candidate that someone who wrote `name` most likely meant; undefined if none is near. Capitals do not count.
 *
 * @example nearest('emial', ['id', 'email']) // 'email'
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const bare = name.toLowerCase().split('.').at(-1)!
  const byFolded = new Map<string, string>()
  for (const candidate of candidates) {
    // Of two that differ in capitals, the one without: quotes in a migration are rarer than a slip in a seed.
    if (candidate === candidate.toLowerCase() || !byFolded.has(candidate.toLowerCase())) {
      byFolded.set(candidate.toLowerCase(), candidate)
    }
    // 'user' for 'sales.user', so that a schema in front does not make everything far
    const last = candidate.toLowerCase().split('.').at(-1)!
    if (!byFolded.has(last)) byFolded.set(last, candidate)
  }
  if (byFolded.size === 0) return undefined
  // Loaded only where something is wrong: every test file that asks for the database imports this module.
  const { closest, distance } = createRequire(import.meta.url)(
    'fastest-levenshtein',
  ) as typeof import('fastest-levenshtein')
  const found = [name.toLowerCase(), bare].map(written => {
    const best = closest(written, [...byFolded.keys()])
    return {
      best,
      far: distance(written, best),
      allowed: written.length < 4 ? 1 : Math.max(2, Math.floor(written.length / 3)),
    }
  })
  const near = found.find(({ far, allowed }) => far <= allowed)
  return near && byFolded.get(near.best)
}

/** A sentence that names the likely meaning, or nothing. */
export const didYouMean = (near: string | undefined) => (near === undefined ? '' : ` Did you mean "${near}"?`)
