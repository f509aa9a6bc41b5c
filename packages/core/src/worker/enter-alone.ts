import { workerErrors } from './errors.js'
import { describeScope } from './footprint-lines.js'
import type { Scope, WorkerScopes } from './scopes.js'

/** More than a runner lets a test take, if nobody says otherwise. */
const patienceMilliseconds = 20_000

/**
 * Enters a scope once no concurrent test runs. For Jest, which before 30.2 runs them beside all else in their file: what is
 * entered meanwhile would have their rows beside its own, and take them along at its end. A file ends what the one before it left.
 *
 * @throws CONCURRENT_TEST_RUNS, and what `enter` does
 * @example await enterAlone(scopes, { id: test, kind: 'test', name: test.name })
 */
export async function enterAlone(scopes: WorkerScopes, scope: Scope): Promise<void> {
  if (scope.kind !== 'file' && scopes.concurrent.size > 0) await concurrentOver(scopes, scope)
  await scopes.enter(scope)
}

async function concurrentOver({ concurrent }: WorkerScopes, next: Scope): Promise<void> {
  const start = performance.now()
  // Where one ends, the runner may begin another in the same turn.
  for (let idle = 0; idle < 2; idle = concurrent.size > 0 ? 0 : idle + 1) {
    const [running] = concurrent.values()
    if (running && performance.now() - start > patienceMilliseconds) {
      throw workerErrors.CONCURRENT_TEST_RUNS({ running: running.name, scope: describeScope(next) })
    }
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}
