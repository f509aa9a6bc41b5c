import { openedScopes } from '../worker/scopes.js'
import type { Queryable } from './queryable.js'
import type { LabelledRows } from './seed-types.js'

/**
 * Adds one more seed inside a test, all of it or nothing. It belongs to the scope in which it is called, and is gone
 * with it. Sequences do not come back with a scope: those of its tables stand behind its rows from then on.
 *
 * @param db the test's `db`, or any `pg` client; outside of a transaction the seed gets one of its own, and stays
 * @param file a `.json`, `.ts` or `.js` seed; a path counts from `folder`, by default the project's
 * @returns the seed's labelled rows, in the form of `seeds`
 * @throws the errors of any seed, with file, line and column; SEEDS_NOT_FOUND; SEED_SQL_IN_TEST for an SQL file
 * @example const { orders } = await loadSeed(db, new URL('./big-order.json', import.meta.url))
 */
export async function loadSeed(
  db: Queryable,
  file: string | URL,
  { folder = openedScopes()?.run.project ?? process.cwd() }: { folder?: string } = {},
): Promise<LabelledRows> {
  // the loader is imported only now: most files that import this never call it
  const { loadOneFile } = await import('./load-one-file.js')
  return loadOneFile(db, file, folder)
}
