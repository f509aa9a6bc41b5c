import { workerErrors } from './errors.js'
import { describeScope } from './footprint-lines.js'
import type { ConcurrentScope, Scope } from './scope.js'

/** More than a runner lets a test take, if nobody says otherwise. */
const patienceMilliseconds = 20_000

/**
 * Waits until no concurrent test runs. Jest before 30.2 runs them beside all else in their file; what is entered meanwhile would
 * have their rows beside its own, and take them along at its end.
 *
 * @throws CONCURRENT_TEST_RUNS
 */
export async function concurrentOver(concurrent: ReadonlyMap<unknown, ConcurrentScope>, next: Scope): Promise<void> {
  const start = performance.now()
  // Where one ends, the runner may begin another in the same turn.
  for (let idle = 0; idle < 2; idle = concurrent.size > 0 ? 0 : idle + 1) {
    const [running] = concurrent.values()
    if (running && performance.now() - start > patienceMilliseconds) {
      throw workerErrors.CONCURRENT_TEST_RUNS({ running: running.name, scope: describeScope(next) })
    }
    await new Promise(resolve => realSetTimeout(resolve, 2))
  }
}

// Not a fake one of a test's.
const realSetTimeout = setTimeout
