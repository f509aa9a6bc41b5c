import { openSandbox, type Footprint, type Sandbox } from 'pg-sandbox'
import type { Endpoint } from 'pg-sandbox/endpoint'
import { appendNote, markSpoiled } from '../run/worker-files.js'
import type { Isolations } from './isolations.js'
import type { KeepOutcome } from './keep-failed.js'
import type { ConcurrentScope, Scope, WorkerScopes } from './scope.js'
import type { TestCosts } from './test-costs.js'

/** A worker's scopes once something can run in them: with the first client, or with the first scope that may commit. */
export interface ScopesInSandbox {
  /** What DATABASE_URL leads to. */
  readonly sandbox: Sandbox
  /** Throws TRANSACTION_ENDED, KEPT_WITH_TEST. */
  checkFit(scope: Scope): Promise<void>
  /** One within the innermost. */
  enter(scope: Scope): Promise<void>
  /** The innermost. */
  leave(failed: boolean): Promise<void>
  /** The sandbox that a concurrent test has for itself. */
  openOwn(test: ConcurrentScope): Promise<Sandbox>
  /** Ends what a concurrent scope has had for itself. */
  leaveConcurrent(scope: ConcurrentScope, failed: boolean): Promise<void>
  close(): Promise<void>
}

/**
 * @param entered those that were entered before, the innermost last; it is kept up to date here from now on
 * @param options `endpoint`: none where the sandbox has a thread of its own; `spoiled`: what an earlier worker has found of the database
 */
export async function openInSandbox(
  scopes: WorkerScopes,
  entered: Scope[],
  { costs, endpoint, spoiled }: { costs: TestCosts; endpoint: Endpoint | undefined; spoiled: boolean },
): Promise<ScopesInSandbox> {
  const { run, slot } = scopes
  const { url, password } = scopes.assigned
  const sandbox = await openSandbox({ url, password, endpoint, ...run.sandbox })
  for (const { name } of entered) await sandbox.enter(name)
  /** Whether anything was sent since the file began. */
  let used = false
  let ownSessions = 0
  let notedSessions = 0
  const kept = new Set<unknown>()
  /** Those whose rows went with a failed test that was kept; its name. */
  const emptied = new Map<Scope, string>()

  /** A sandbox in a thread of its own tells it late. */
  const hasConnected = () => run.sandbox.ownThread === true || sandbox.sessions + ownSessions > 0

  /** Loaded with the first scope that commits; from then on it has to know of all. */
  let isolations: Isolations | undefined

  async function openedIsolations(): Promise<Isolations> {
    if (isolations) return isolations
    const { openIsolations } = await import('./isolations.js')
    return (isolations = openIsolations({ run, slot, sandbox, around: entered }))
  }

  async function leaveSandbox(test: Scope, failed: boolean): Promise<Partial<KeepOutcome>> {
    // If nothing has connected, there is nothing to keep; of a test that is repeated, the first failure is kept.
    const isToBeKept = failed && run.keep && hasConnected() && !kept.has(test.id)
    if (!isToBeKept || scopes.isolationOf(test) !== 'transaction') {
      return { footprint: await sandbox.leave({ detailed: failed }) }
    }
    const { leaveAndKeep } = await import('./keep-failed.js')
    const place = { slot, database: scopes.assigned.database }
    const outcome = await leaveAndKeep({ main: run.main, place, sandbox, around: entered, test })
    spoiled ||= outcome.inDoubt === true
    if (outcome.next) {
      kept.add(test.id)
      for (const scope of outcome.emptied) emptied.set(scope, test.name)
      // The newest is the first in the next database.
      note(entered[0]!.name, sandbox.sessions - 1)
      scopes.assigned = { ...scopes.assigned, ...outcome.next }
    }
    return outcome
  }

  async function report(scope: Scope, footprint: Footprint, failed: boolean): Promise<void> {
    used ||= isUsed(footprint)
    const { openTransactions, inFlight, advisoryLocks } = footprint
    const isLeftOpen = openTransactions.length + inFlight.length + advisoryLocks.length > 0
    const isShared = scope.overlapped === true && isUsed(footprint)
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
    appendNote(run.folder, slot, { file, database: scopes.assigned.database, sessions: since, tests })
  }

  async function putSequencesBack(): Promise<void> {
    if (sandbox.escaped !== undefined) return
    const sequences = await import('./sequences.js')
    await sequences.putSequencesBack(sandbox, run.folder)
  }

  return {
    sandbox,
    async checkFit(scope) {
      if (spoiled || sandbox.escaped !== undefined) {
        const { refuseSpoiled } = await import('./refusals.js')
        refuseSpoiled(scopes.assigned.database)
      }
      if (emptied.size > 0 && scope.kind === 'test') {
        const { refuseWithout } = await import('./refusals.js')
        refuseWithout(...[...emptied][0]!)
      }
    },
    async enter(scope) {
      const isolation = scopes.isolationOf(scope)
      if (isolations || isolation !== 'transaction') {
        await sandbox.enter(scope.name, await (await openedIsolations()).enter(scope, isolation))
      } else await sandbox.enter(scope.name)
      entered.push(scope)
    },
    async leave(failed) {
      const scope = entered.pop()!
      await scopes.client?.beforeLeave()
      emptied.delete(scope)
      const { footprint, lines = [] } = await leaveSandbox(scope, failed)
      await scopes.client?.afterLeave()
      if (isolations) lines.push(...(await isolations.leave(scope, failed)))
      if (footprint) {
        costs.did(scope, footprint)
        await report(scope, footprint, failed)
      }
      lines.forEach(line => scopes.print(line))
      if (scope.kind === 'file') await endFile(scope)
      else if (scope.kind === 'test' && run.sequences === 'test' && isUsed(footprint)) await putSequencesBack()
      // At a file's end all that was sent has been answered.
      if (sandbox.escaped !== undefined) markSpoiled(run.folder, slot)
    },
    async openOwn(test) {
      if (test.sandbox) return test.sandbox
      const { url, password } = scopes.assigned
      const { whenFull, findProblem } = run.sandbox
      test.sandbox = await openSandbox({ url, password, whenFull, findProblem })
      // What it commits is nobody else's: under `restore` too it has a database of its own.
      if (scopes.isolationOf(test) !== 'transaction') test.own = (await openedIsolations()).ownDatabase()
      const { own } = test
      await test.sandbox.enter(test.name, own && { direct: () => own.url() })
      return test.sandbox
    },
    async leaveConcurrent(scope, failed) {
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
    },
    async close() {
      await sandbox.close()
      await isolations?.close()
    },
  }
}

/** A statement that has not come to its end may have called a sequence, too. */
function isUsed(footprint: Footprint | undefined): boolean {
  if (!footprint) return false
  const { statements, failed, openTransactions, inFlight } = footprint
  return failed + openTransactions.length + inFlight.length > 0 || Object.keys(statements).length > 0
}
