import { openSandbox, type Footprint } from 'pg-sandbox'
import { applyVariables } from '../run/apply-variables.js'
import type { FailedRun, RunHandle, WorkerDatabase } from '../run/run-handle.js'
import { variablesAt } from '../run/worker-address.js'
import { appendNote, isSpoiled, markSpoiled, readAssigned } from '../run/worker-files.js'
import { openDeclared, type Block } from './declared.js'
import type { Isolations } from './isolations.js'
import type { KeepOutcome } from './keep-failed.js'
import type { ConcurrentScope, Scope, ScopeFollower, WorkerScopes } from './scope.js'
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
 * Makes this process (or thread) a worker of the run: opens its sandbox, sets ENVIRONMENT, DATABASE_URL, PG* and the
 * configured variables, and connects to nothing yet. Called again for the next file it answers with the same scopes.
 *
 * In most runners each file is a process that pays for every module it imports. So this one imports next to nothing:
 * the rest of the sandbox, the worker's client and `pg` come with the first file that asks for them.
 *
 * @param slot the runner's number for this worker, from 1; no two that run at the same time have the same
 * @throws NO_WORKER_DATABASE, RUN_NOT_READY
 * @example
 * const scopes = await openScopes(run, Number(process.env.VITEST_POOL_ID))
 * await scopes.enter({ id: '1', kind: 'file', name: 'users.test.ts' })
 */
export async function openScopes(
  run: RunHandle | FailedRun,
  slot: number,
  { print = onStandardError, environments = [process.env], blocks }: OpenScopesOptions = {},
): Promise<WorkerScopes> {
  if ('failure' in run || !run.workers[slot - 1]) {
    const { refuseWorker } = await import('./refusals.js')
    return refuseWorker(run, slot)
  }
  const holder: Holder = globalThis
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
  const { url, password } = database
  const sandbox = await openSandbox({ url, password, ...run.sandbox })
  let assigned = { ...database, variables: variablesAt(sandbox.port, database.variables) }
  const refuseChanged = variableCheck(assigned)
  const entered: Scope[] = []
  const concurrent = new Map<unknown, ConcurrentScope>()
  const costs = testCosts()
  /** Whether two concurrent tests have run at the same time. */
  let overlapped = false
  /** Whether anything was sent since the file began. */
  let used = false
  let ownSessions = 0
  let notedSessions = 0
  const kept = new Set<unknown>()
  /** Those whose rows went with a failed test that was kept; its name. */
  const emptied = new Map<Scope, string>()
  let spoiled = isSpoiled(run.folder, slot)

  /** A sandbox in a thread of its own tells it late. */
  const hasConnected = () => run.sandbox.ownThread === true || sandbox.sessions + ownSessions > 0

  /** Loaded with the first scope that commits; from then on it has to know of all. */
  let isolations: Isolations | undefined

  async function openedIsolations(): Promise<Isolations> {
    if (isolations) return isolations
    const { openIsolations } = await import('./isolations.js')
    return (isolations = openIsolations({ run, slot, sandbox, around: entered }))
  }

  const declared = openDeclared()
  const isolationOf = (scope: Scope) => declared.of(scope, entered) ?? run.isolation

  async function enterInnermost(scope: Scope): Promise<void> {
    const isolation = isolationOf(scope)
    if (isolations || isolation !== 'transaction') {
      await sandbox.enter(scope.name, await (await openedIsolations()).enter(scope, isolation))
    } else await sandbox.enter(scope.name)
    entered.push(scope)
  }

  async function leaveInnermost(failed = false): Promise<void> {
    const scope = entered.pop()!
    await scopes.client?.beforeLeave()
    emptied.delete(scope)
    const { footprint, lines = [] } = await leaveSandbox(scope, failed)
    await scopes.client?.afterLeave()
    if (isolations) {
      lines.push(...(await isolations.leave(scope, failed)))
    }
    if (footprint) {
      costs.did(scope, footprint)
      await report(scope, footprint, failed)
    }
    lines.forEach(line => scopes.print(line))
    if (scope.kind === 'file') await endFile(scope)
    else if (scope.kind === 'test' && run.sequences === 'test' && isUsed(footprint)) await putSequencesBack()
    // At a file's end all that was sent has been answered.
    if (sandbox.escaped !== undefined) markSpoiled(run.folder, slot)
  }

  async function leaveSandbox(test: Scope, failed: boolean): Promise<Partial<KeepOutcome>> {
    // If nothing has connected, there is nothing to keep; of a test that is repeated, the first failure is kept.
    if (!failed || !run.keep || !hasConnected() || kept.has(test.id) || isolationOf(test) !== 'transaction') {
      return { footprint: await sandbox.leave({ detailed: failed }) }
    }
    const { leaveAndKeep } = await import('./keep-failed.js')
    const place = { slot, database: assigned.database }
    const outcome = await leaveAndKeep({ main: run.main, place, sandbox, around: entered, test })
    spoiled ||= outcome.inDoubt === true
    if (outcome.next) {
      kept.add(test.id)
      for (const scope of outcome.emptied) emptied.set(scope, test.name)
      // The newest is the first in the next database.
      note(entered[0]!.name, sandbox.sessions - 1)
      assigned = { ...assigned, ...outcome.next }
    }
    return outcome
  }

  /** A concurrent scope: its sandbox was its own, if it had one. */
  async function leaveConcurrent(scope: ConcurrentScope, failed = false): Promise<void> {
    concurrent.delete(scope.id)
    const { sandbox: own, client } = scope
    if (own) {
      await client?.beforeLeave()
      const footprint = await own.leave({ detailed: failed })
      costs.did(scope, footprint)
      await report(scope, footprint, failed)
      await own.close()
      await scope.own?.end()
      ownSessions += own.sessions
    }
    if (failed && run.keep && hasConnected()) {
      const { notKeptLine } = await import('./keep-failed.js')
      scopes.print(notKeptLine(scope, 'it is concurrent, and shares its database with other tests'))
    }
    if (concurrent.size > 0) return
    await leaveUpTo(together.id)
    overlapped = false
  }

  async function leaveUpTo(id: unknown, failed?: boolean): Promise<void> {
    while (entered.some(each => each.id === id)) await leaveInnermost(entered.at(-1)!.id === id && failed)
  }

  async function report(scope: Scope, footprint: Footprint, failed: boolean): Promise<void> {
    used ||= isUsed(footprint)
    const { openTransactions, inFlight, advisoryLocks } = footprint
    const isLeftOpen = openTransactions.length + inFlight.length + advisoryLocks.length > 0
    const isShared = scope === together && overlapped && isUsed(footprint)
    if (!isLeftOpen && !isShared && !(failed && isUsed(footprint))) return
    const { footprintLines } = await import('./footprint-lines.js')
    for (const line of footprintLines(scope, footprint, { failed, isShared })) scopes.print(line)
  }

  async function endFile({ name }: Scope): Promise<void> {
    if (used) await putSequencesBack()
    used = false
    note(name, sandbox.sessions)
  }

  /**
   * A file that never connects leaves none: writing it would be much of what Seedbed costs there.
   *
   * @param sessions of the sandbox, so far
   */
  function note(file: string, sessions: number): void {
    const tests = costs.take()
    if (!hasConnected()) return
    const since = sessions + ownSessions - notedSessions
    notedSessions += since
    appendNote(run.folder, slot, { file, database: assigned.database, sessions: since, tests })
  }

  async function putSequencesBack(): Promise<void> {
    if (sandbox.escaped !== undefined) return
    const sequences = await import('./sequences.js')
    await sequences.putSequencesBack(sandbox, run.folder)
  }

  const scopes: WorkerScopes = {
    run,
    slot,
    get assigned() {
      return assigned
    },
    sandbox,
    entered,
    declared,
    isolationOf,
    ownDatabase: async () => (await openedIsolations()).ownDatabase(),
    concurrent,
    print: onStandardError,
    environments: [process.env],
    enter: scope =>
      costs.timed(scope, async () => {
        await refuseChanged(scope, scopes.environments[0]!)
        if (spoiled || sandbox.escaped !== undefined) {
          const { refuseSpoiled } = await import('./refusals.js')
          refuseSpoiled(assigned.database)
        }
        if (emptied.size > 0 && scope.kind === 'test') {
          const { refuseWithout } = await import('./refusals.js')
          refuseWithout(...[...emptied][0]!)
        }
        if (scope.concurrent) {
          overlapped =
            (scope.kind === 'test' && [...concurrent.values()].some(({ kind }) => kind === 'test')) || overlapped
          concurrent.set(scope.id, scope)
          if (concurrent.size === 1) await enterInnermost(together)
          return
        }
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
      await sandbox.close()
      await isolations?.close()
    },
  }
  return scopes
}

/** Around tests that run at the same time: what they do through DATABASE_URL they do in one transaction. */
const together: Scope = { id: 'seedbed: concurrent', kind: 'suite', name: 'concurrent tests' }

/** A statement that has not come to its end may have called a sequence, too. */
function isUsed(footprint: Footprint | undefined): boolean {
  if (!footprint) return false
  const { statements, failed, openTransactions, inFlight } = footprint
  return failed + openTransactions.length + inFlight.length > 0 || Object.keys(statements).length > 0
}
