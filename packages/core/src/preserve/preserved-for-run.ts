import type { Server } from '../server/server.js'
import type { PreservedRows } from './preserved-rows.js'

/**
 * What the tests of a run see of the test database: its preserved rows. On a server of ours there is no such database.
 *
 * @param progress is told how many, if there are any
 */
export async function preservedForRun(
  { kind, applicationUrl }: Server,
  progress: (line: string) => void,
): Promise<PreservedRows | null> {
  if (kind !== 'external') return null
  const { readPreservedRows } = await import('./preserved-rows.js')
  const preserved = await readPreservedRows(applicationUrl)
  if (!preserved) return null
  const { count, marked } = preserved
  progress(
    `tests see ${count} preserved ${count === 1 ? 'row' : 'rows'} of the test database, ${marked} of them marked`,
  )
  return preserved
}
