import type { Kept } from './footprint.js'
import type { Shared } from './shared.js'

/**
 * Commits what was written in all scopes, on purpose, if deferred constraints hold. All clients' transactions have ended.
 *
 * @param commit commits, and opens another session
 */
export async function keepWrites(
  shared: Shared,
  commit: () => Promise<void>,
): Promise<Omit<Kept, 'withoutTransactions'>> {
  const problem = await violation(shared)
  if (problem !== undefined) return { problem, emptied: [] }
  const emptied = shared.ground.used().slice(0, -1)
  await commit()
  return { emptied }
}

/** A COMMIT that fails would take everything with it: so they are tried before. */
async function violation(shared: Shared): Promise<string | undefined> {
  try {
    await shared.run('SAVEPOINT sandbox_keeps; SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT sandbox_keeps')
    return undefined
  } catch (error) {
    if (shared.session().lost()) throw error
    await shared.run('ROLLBACK TO SAVEPOINT sandbox_keeps; RELEASE SAVEPOINT sandbox_keeps')
    const { message, detail } = error as Error & { detail?: string }
    return detail === undefined ? message : `${message} (${detail})`
  }
}
