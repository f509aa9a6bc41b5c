import type { FailedRun, RunHandle } from '../run/run-handle.js'
import { printableUrl } from '../server/database-url.js'
import { workerErrors } from './errors.js'
import { describeScope } from './footprint-lines.js'
import type { Scope } from './scope.js'

/** Says why there is no worker for this slot. */
export function refuseWorker(run: RunHandle | FailedRun | undefined, slot: number): never {
  if (!run) throw workerErrors.RUN_NOT_READY({ reason: 'the set-up of this run has failed', again: 'start' })
  if ('failure' in run) throw workerErrors.RUN_NOT_READY({ reason: run.failure, again: 'save' })
  throw workerErrors.NO_WORKER_DATABASE({ slot, count: run.workers.length })
}

/** Says why nothing runs in this database any more. */
export function refuseSpoiled(database: string): never {
  throw workerErrors.TRANSACTION_ENDED({ database })
}

/** Says why a test does not run whose file or `describe` has lost what it had written. */
export function refuseWithout(scope: Scope, test: string): never {
  throw workerErrors.KEPT_WITH_TEST({ scope: describeScope(scope), test })
}

export function refuseChangedVariable(variable: string, found: string | undefined): never {
  throw workerErrors.CONNECTION_CHANGED({ variable, value: describeValue(variable, found) })
}

function describeValue(name: string, value: string | undefined): string {
  if (value === undefined) return 'unset'
  if (/pass|secret|key/i.test(name)) return 'something else'
  return URL.canParse(value) ? printableUrl(value) : JSON.stringify(value)
}
