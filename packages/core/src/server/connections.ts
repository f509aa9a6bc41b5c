import { loadPg } from './load-pg.js'

/**
 * How many sessions a run has open at once: one a worker, one that holds the leases, and one that creates and drops. Whatever
 * does more for a moment makes do with these.
 *
 * @example connectionsNeeded(4) // 6
 */
export function connectionsNeeded(workers: number): number {
  return workers + 2
}

/** What to do when there are too few: how many a run needs, and what sets that. */
export function howToGetConnections({ role, workers }: { role: string; workers: number }): string {
  const needed = connectionsNeeded(workers)
  const statement = `ALTER ROLE ${loadPg().escapeIdentifier(role)} CONNECTION LIMIT ${needed}`
  return `This run needs ${needed}: one for each worker (${workers}), and two of its own; what others use comes on top, other runs included. Raise the limit that was met to that (the server's max_connections, the role's by ${statement}, or PgBouncer's pools), or let fewer workers run (maxWorkers in the config of Vitest and Jest).`
}
