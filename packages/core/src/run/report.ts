import type { KeptTest } from './channel.js'
import type { FileNote, TestCost } from './worker-files.js'

/** What a run did, and where its time went. Plain JSON. */
export interface RunReport {
  /** `embedded PostgreSQL 18.4`. */
  server: string
  origin: 'initialised' | 'started' | 'attached'
  /** Why the template was built; null if it was reused. */
  templateBuilt: string | null
  databases: { cloned: number; recycled: number }
  /** What had to be ready before the first test. */
  start: StartTimes
  /** Those that entered; null if none did. */
  tests: TestSummary | null
  /** The tests of which the server worked longest, at most ten, the slowest first. */
  slowest: (TestCost & { file: string })[]
  files: readonly FileNote[]
  /** Sessions that workers opened; 0 means that nothing ever used the database. */
  sessions: number
  /** Worker databases that cannot be used again, and why. */
  dropped: { database: string; reason: string }[]
  /** Failed tests whose databases were kept. */
  kept: KeptTest[]
  /** Whether the server has restarted meanwhile, or hung up: the run's databases are left for a later one, which drops them. */
  serverWasAway: boolean
}

/** In milliseconds. */
export interface StartTimes {
  /** Of the other three. */
  total: number
  /** Until it could be used; the config, the migrations and the seeds are read meanwhile. */
  server: number
  /** Looking for it, building it, or waiting for another process that builds it. */
  template: number
  /** Cloning or recycling them. */
  databases: number
}

/** Of all tests of a run, in microseconds. */
export interface TestSummary {
  count: number
  /** What entering and leaving cost. */
  median: number
  /** 99 of 100 tests were entered and left in less. */
  percentile99: number
  total: number
  /** How long the server worked for them. */
  inDatabase: number
}

export function summariseNotes(
  notes: readonly FileNote[],
): Pick<RunReport, 'files' | 'sessions' | 'tests' | 'slowest'> {
  const tests = notes.flatMap(({ file, tests }) => tests.map(test => ({ file, ...test })))
  return {
    files: notes,
    sessions: notes.reduce((sum, { sessions }) => sum + sessions, 0),
    tests: tests.length === 0 ? null : summariseTests(tests),
    slowest: tests
      .filter(({ statements }) => statements > 0)
      .sort((a, b) => b.databaseMicroseconds - a.databaseMicroseconds)
      .slice(0, 10),
  }
}

function summariseTests(tests: readonly TestCost[]): TestSummary {
  const costs = tests.map(({ microseconds }) => microseconds).sort((a, b) => a - b)
  return {
    count: tests.length,
    median: costs[Math.floor(costs.length / 2)]!,
    percentile99: costs[Math.ceil(costs.length * 0.99) - 1]!,
    total: costs.reduce((sum, cost) => sum + cost, 0),
    inDatabase: tests.reduce((sum, { databaseMicroseconds }) => sum + databaseMicroseconds, 0),
  }
}
