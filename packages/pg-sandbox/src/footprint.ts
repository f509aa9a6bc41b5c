import { remembering } from './remembering.js'

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
  /** How long the server took to answer them, in milliseconds; also what a client took to read its rows. */
  milliseconds: number
  /** Clients that were connected when the scope ended. */
  clients: string[]
  /** Transactions that their clients had left open, with the last statement of each. */
  openTransactions: { client: string; statement: string }[]
  /** Transactions in whose midst their clients have hung up, with the last statement of each. */
  hungUp: { client: string; statement: string }[]
  /** Statements that were still running: waited for, and then cancelled. */
  inFlight: { client: string; statement: string; cancelled: boolean }[]
  /** Session locks that clients of a database of their own still held, with the last statement of each. */
  advisoryLocks: { client: string; statement: string }[]
  /** Only if it was asked for. */
  details?: FootprintDetails
  /** Only if it was asked for, and if anything ran in a scope that was entered. */
  kept?: Kept
}

/** What became of the wish to keep what a scope has written. */
export interface Kept {
  /** Why nothing was committed, in the server's words: a deferred constraint does not hold. Then the scope ended as usual. */
  problem?: string
  /** Transactions that had failed, which no COMMIT takes, with the last statement of each. */
  withoutTransactions: { client: string; statement: string }[]
  /** For each scope that is still entered, the outermost first: whether it has lost what ran in it. */
  emptied: boolean[]
}

export interface FootprintDetails {
  /**
   * How many rows a table had more (or less, below zero) at the scope's end than at its begin: `{ 'public.author': 2 }`.
   * Undefined where they could not be counted within a second.
   */
  rowsByTable: Record<string, number> | undefined
  /**
   * The first statement that asked for the time, or put rows in the order of a time. `now()` stands still in a sandbox, from
   * the first statement of the test on.
   */
  timeStatement: string | undefined
}

/** What is counted while a scope lasts. */
export interface Tally {
  scope: string
  statements: Record<string, number>
  rows: Record<string, number>
  failed: number
  milliseconds: number
  hungUp: Footprint['hungUp']
  /** The first of its statements, whole. */
  texts: string[]
}

/** Enough to find what a failed test has done, and too few to be felt. */
const mostTexts = 200

export function newTally(scope: string): Tally {
  return { scope, statements: {}, rows: {}, failed: 0, milliseconds: 0, hungUp: [], texts: [] }
}

/** What a CommandComplete says: `INSERT 0 3`, `SELECT 2`, `CREATE TABLE`. */
export interface Tag {
  kind: string
  rows: number | undefined
  changesSchema: boolean
}

export const readTag = remembering((tag): Tag => {
  // The first number of INSERT was once an oid.
  const [, kind = tag, rows] = /^([A-Z ]+?)(?: 0(?= ))?(?: (\d+))?$/.exec(tag) ?? []
  return {
    kind,
    rows: rows === undefined ? undefined : Number(rows),
    changesSchema: /^(?:CREATE|ALTER|DROP|DO$|CALL)/.test(kind),
  }
})

export function countTag(tally: Tally, { kind, rows }: Tag): void {
  add(tally.statements, kind, 1)
  if (rows !== undefined) add(tally.rows, kind, rows)
}

export function countText(tally: Tally, text: string): void {
  if (tally.texts.length < mostTexts) tally.texts.push(text)
}

/** What happened in a scope has happened in the one around it, too. */
export function addTally(outer: Tally, inner: Tally): void {
  for (const [kind, count] of Object.entries(inner.statements)) add(outer.statements, kind, count)
  for (const [kind, count] of Object.entries(inner.rows)) add(outer.rows, kind, count)
  outer.failed += inner.failed
  outer.milliseconds += inner.milliseconds
  outer.hungUp.push(...inner.hungUp)
  for (const text of inner.texts) countText(outer, text)
}

export function footprintOf({ scope, statements, rows, failed, milliseconds, hungUp }: Tally): Footprint {
  return {
    scope,
    statements,
    rows,
    failed,
    milliseconds,
    clients: [],
    openTransactions: [],
    hungUp,
    inFlight: [],
    advisoryLocks: [],
  }
}

function add(counts: Record<string, number>, kind: string, count: number): void {
  counts[kind] = (counts[kind] ?? 0) + count
}
