/** What happened in a scope, as far as the relay knows. */
export interface Footprint {
  /** The scope's name. */
  scope: string
  /** How many statements of each kind came to an end: `{ INSERT: 3, SELECT: 2 }`. */
  statements: Record<string, number>
  /** How many rows they told of: `{ INSERT: 3 }`. */
  rows: Record<string, number>
  /** How many were refused, or failed. */
  failed: number
  /** Clients that were connected when the scope ended. */
  clients: string[]
  /** Transactions that their clients had left open, with the last statement of each. */
  openTransactions: { client: string; statement: string }[]
  /** Statements that were still running: waited for, and then cancelled. */
  inFlight: { client: string; statement: string; cancelled: boolean }[]
}

export function emptyFootprint(scope: string): Footprint {
  return { scope, statements: {}, rows: {}, failed: 0, clients: [], openTransactions: [], inFlight: [] }
}

/** Counts a CommandComplete: `INSERT 0 3`, `SELECT 2`, `CREATE TABLE`. */
export function countTag(footprint: Footprint, tag: string): void {
  // The first number of INSERT was once an oid.
  const [, kind = tag, rows] = /^([A-Z ]+?)(?: 0)?(?: (\d+))?$/.exec(tag) ?? []
  footprint.statements[kind] = (footprint.statements[kind] ?? 0) + 1
  if (rows !== undefined) footprint.rows[kind] = (footprint.rows[kind] ?? 0) + Number(rows)
}
