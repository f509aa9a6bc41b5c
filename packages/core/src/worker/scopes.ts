import { openEndpoint } from 'pg-sandbox/endpoint'
import { applyVariables } from '../run/apply-variables.js'
import type { FailedRun, RunHandle, WorkerDatabase } from '../run/run-handle.js'
import { variablesAt } from '../run/worker-address.js'
import { isSpoiled, readAssigned } from '../run/worker-files.js'
import { openDeclared, type Block } from './declared.js'
import { endWithMain } from './end-with-main.js'
import type { ConcurrentScope, Scope, ScopeFollower, WorkerScopes } from './scope.js'
import type { ScopesInSandbox } from './scopes-in-sandbox.js'
import { testCosts } from './test-costs.js'
import { variableCheck } from './variable-check.js'

export type { ConcurrentScope, Scope, ScopeFollower, WorkerScopes }

export interface OpenScopesOptions {
  /** What the runner reads now; `isolation()` asks. */
  blocks?: () => Block
  /** Is told what a reader of the tests' output should know, a line at a time. @default standard error */
  print?: (line: string) => void
  /** What is to hold the worker's variables: that of the test files first, where a runner gives them one of their own. @default [process.env] */
  environments?: NodeJS.ProcessEnv[]
}

const scopesKey = Symbol.for('seedbed.scopes')
type Holder = typeof globalThis & { [scopesKey]?: WorkerScopes }

/**
 * Makes this process (or thread) a worker of the run: listens for its sandbox, sets ENVIRONMENT, DATABASE_URL, PG* and the
 * configured variables, and connects to nothing yet. Called again for the next file it answers with the same scopes.
 *
 * In most runners each file is a process that pays for every module it imports. So this one imports next to nothing:
 * the sandbox, the worker's client and `pg` come with the first file that asks for them.
 *
 * @param slot the runner's number for this worker, from 1; no two that run at the same time have the same
 * @throws NO_WORKER_DATABASE, RUN_NOT_READY
 * @example
 * const scopes = await openScopes(run, Number(process.env.VITEST_POOL_ID))
 * await scopes.enter({ id: '1', kind: 'file', name: 'users.test.ts' })
 */
export async function openScopes(
  run: RunHandle | FailedRun | undefined,
  slot: number,
  { print = onStandardError, environments = [process.env], blocks }: OpenScopesOptions = {},
): Promise<WorkerScopes> {
  if (!run || 'failure' in run || !run.workers[slot - 1]) {
    const { refuseWorker } = await import('./refusals.js')
    return refuseWorker(run, slot)
  }
  const holder: Holder = globalThis
  endWithMain(run.main.pid)
  const known = holder[scopesKey]
  const same = known?.run.id === run.id && known.slot === slot
  if (!same) await known?.close()
  const scopes = same ? known : (holder[scopesKey] = await makeScopes(run, slot, databaseOf(run, slot)))
  for (const environment of environments) applyVariables(environment, scopes.assigned.variables)
  Object.assign(scopes, { print, environments })
  scopes.declared.begin(blocks)
  return scopes
}

/** A worker of this slot that was before may have left its own to a failed test. */
function databaseOf({ folder, workers, keep }: RunHandle, slot: number): WorkerDatabase {
  return (keep ? readAssigned(folder, slot) : undefined) ?? workers[slot - 1]!
}

const onStandardError = (line: string) => void process.stderr.write(`${line}\n`)

/** The scopes of this process, if it is a worker. */
export function openedScopes(): WorkerScopes | undefined {
  return (globalThis as Holder)[scopesKey]
}

async function makeScopes(run: RunHandle, slot: number, database: WorkerDatabase): Promise<WorkerScopes> {
  const entered: Scope[] = []
  const concurrent = new Map<unknown, ConcurrentScope>()
  const declared = openDeclared()
  const costs = testCosts()
  const spoiled = isSpoiled(run.folder, slot)
  let together = aroundConcurrent()
  let opening: Promise<ScopesInSandbox> | undefined

  /** Until then scopes are no more than names: in most files nobody connects. */
  function inSandbox(): Promise<ScopesInSandbox> {
    return (opening ??= import('./scopes-in-sandbox.js').then(({ openInSandbox }) =>
      openInSandbox(scopes, entered, { costs, endpoint, spoiled }),
    ))
  }

  async function enterInnermost(scope: Scope): Promise<void> {
    if (!opening && scopes.isolationOf(scope) === 'transaction') entered.push(scope)
    else await (await inSandbox()).enter(scope)
  }

  async function leaveInnermost(failed = false): Promise<void> {
    if (!opening) await endpoint?.arrivals()
    if (opening) return (await opening).leave(failed)
    if (entered.pop()!.kind === 'file') costs.take()
  }

  async function leaveConcurrent(scope: ConcurrentScope, failed = false): Promise<void> {
    concurrent.delete(scope.id)
    if (opening) await (await opening).leaveConcurrent(scope, failed)
    if (concurrent.size === 0) await leaveUpTo(together.id)
  }

  async function leaveUpTo(id: unknown, failed?: boolean): Promise<void> {
    while (entered.some(each => each.id === id)) await leaveInnermost(entered.at(-1)!.id === id && failed)
  }

  async function enterConcurrent(scope: Scope): Promise<void> {
    const isFirst = concurrent.size === 0
    if (isFirst) together = aroundConcurrent()
    const overlaps = scope.kind === 'test' && [...concurrent.values()].some(({ kind }) => kind === 'test')
    if (overlaps) together.overlapped = true
    concurrent.set(scope.id, scope)
    if (isFirst) await enterInnermost(together)
  }

  const scopes: WorkerScopes = {
    run,
    slot,
    assigned: database,
    inSandbox,
    entered,
    declared,
    isolationOf: scope => declared.of(scope, entered) ?? run.isolation,
    concurrent,
    print: onStandardError,
    environments: [process.env],
    enter: scope =>
      costs.timed(scope, async () => {
        await refuseChanged(scope, scopes.environments[0]!)
        if (opening) await (await opening).checkFit(scope)
        if (scope.concurrent) return enterConcurrent(scope)
        if (scope.kind === 'file') declared.blocks = undefined
        // What the runner did not end, a test skipped half-way or a file that failed early, ends where the next starts.
        if (scope.kind === 'file') for (const left of concurrent.values()) await leaveConcurrent(left)
        if (scope.kind === 'file') while (entered.length > 0) await leaveInnermost()
        if (scope.kind === 'test') while (entered.at(-1)?.kind === 'test') await leaveInnermost()
        await enterInnermost(scope)
      }),
    async leave(scope) {
      await costs.timed(scope, async () => {
        const own = concurrent.get(scope.id)
        await (own ? leaveConcurrent(own, scope.failed) : leaveUpTo(scope.id, scope.failed))
      })
      costs.ended(scope)
    },
    async close() {
      if (opening) await (await opening).close()
      else endpoint?.close()
    },
  }
  const endpoint = run.sandbox.ownThread ? undefined : await openEndpoint({ onClient: inSandbox })
  const port = endpoint?.port ?? (await inSandbox()).sandbox.port
  scopes.assigned = { ...database, variables: variablesAt(port, database.variables) }
  const refuseChanged = variableCheck(scopes.assigned)
  if (spoiled) await inSandbox()
  return scopes
}

/** Around tests that run at the same time: what they do through DATABASE_URL they do in one transaction. */
const aroundConcurrent = (): Scope => ({ id: 'seedbed: concurrent', kind: 'suite', name: 'concurrent tests' })
