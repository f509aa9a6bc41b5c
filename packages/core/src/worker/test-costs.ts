import type { Footprint } from 'pg-sandbox'
import type { TestCost } from '../run/worker-files.js'
import type { Scope } from './scope.js'

/** What the tests of this worker cost. */
export interface TestCosts {
  /** Entering or leaving: for a test, what it takes is counted. */
  timed<Result>(scope: Scope, work: () => Promise<Result>): Promise<Result>
  /** What a test has done in the database, in the worker's sandbox or in its own. */
  did(scope: Scope, footprint: Footprint): void
  /** A test has been left for good. */
  ended(scope: Scope): void
  /** Those that have ended since this was last asked. */
  take(): TestCost[]
}

export function testCosts(): TestCosts {
  const underWay = new Map<unknown, TestCost>()
  const ended: TestCost[] = []

  function costOf({ id, name }: Scope): TestCost {
    const known = underWay.get(id)
    if (known) return known
    const cost = { name, microseconds: 0, databaseMicroseconds: 0, statements: 0 }
    underWay.set(id, cost)
    return cost
  }

  return {
    async timed(scope, work) {
      if (scope.kind !== 'test') return work()
      const start = now()
      try {
        return await work()
      } finally {
        costOf(scope).microseconds += Math.round((now() - start) * 1_000)
      }
    },
    did(scope, { milliseconds, statements, failed }) {
      if (scope.kind !== 'test') return
      const cost = costOf(scope)
      cost.databaseMicroseconds += Math.round(milliseconds * 1_000)
      cost.statements += Object.values(statements).reduce((sum, count) => sum + count, failed)
    },
    ended({ id }) {
      const cost = underWay.get(id)
      if (cost) ended.push(cost)
      underWay.delete(id)
    },
    take: () => ended.splice(0),
  }
}

// Taken before a test can put a fake clock in its place.
const now = performance.now.bind(performance)
