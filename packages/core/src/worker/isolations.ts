import type { EnterOptions, Sandbox } from 'pg-sandbox'
import type { Isolation } from '../config/config.js'
import { mainProcess } from '../run/channel.js'
import type { RunHandle } from '../run/run-handle.js'
import { openRestore, type EndedSession, type PutBack, type Restore } from '../restore/restore.js'
import { workerErrors } from './errors.js'
import { describeScope } from './footprint-lines.js'
import { keptLinesOf, notKeptLine } from './keep-failed.js'
import type { Scope } from './scope.js'
import { toldBy } from './told-by.js'

/** Where tests of isolation `restore` and `database` have their databases. Loaded with the first of them. */
export interface Isolations {
  /**
   * What the sandbox has to know of a scope that is about to be entered.
   *
   * @throws for a test ISOLATION_MIXED, DDL_BEFORE_TESTS, COMMITTED_ROWS_LOST
   */
  enter(scope: Scope, isolation: Isolation): Promise<EnterOptions>
  /**
   * After the sandbox has left the innermost scope: what it committed is put back, or goes with its database.
   *
   * @returns lines for people
   */
  leave(scope: Scope, failed: boolean): Promise<string[]>
  /** A database for one scope that is none of those that are entered: a concurrent test. */
  ownDatabase(): OwnDatabase
  close(): Promise<void>
}

export interface OwnDatabase {
  url(): Promise<string>
  /** Undefined where nobody has asked for it. */
  name(): string | undefined
  /** Nobody may be connected to it any more. */
  end(): Promise<void>
}

interface Entered {
  scope: Scope
  isolation: Isolation
  /** Under `restore`, how often what it had committed when an inner scope began is held for that. */
  holds: number
  /** Under `database`. */
  own?: OwnDatabase
  /** Why no test in it may start. */
  refusal?: Error | undefined
}

/**
 * @param options.sandbox the worker's
 * @param options.around those that are entered already, all of them under this isolation
 */
export function openIsolations({
  run,
  slot,
  sandbox,
  around,
}: {
  run: RunHandle
  slot: number
  sandbox: Sandbox
  around: readonly Scope[]
}): Isolations {
  const main = mainProcess(run.main)
  const entered: Entered[] = around.map(scope => ({ scope, isolation: 'transaction', holds: 0 }))
  let restore: (Restore & { database: string; url: string }) | undefined
  /** Whether the main process has lent it to us. */
  let lent = false
  /** How many statements had gone there when it was last as its rows are to be. */
  let sent = 0

  /** Lines of outer scopes, for whoever leaves the next one. */
  const untold: string[] = []

  const writtenSince = () => lent && sandbox.direct.sent !== sent

  async function restoreUrl(): Promise<string> {
    if (lent) return restore!.url
    const { database, url, adminUrl } = await main.borrow({ slot })
    if (database !== restore?.database) {
      await restore?.close()
      restore = { ...(await openRestore({ url: adminUrl, told: toldBy(sandbox) })), database, url }
    }
    lent = true
    sent = sandbox.direct.sent
    return url
  }

  /** It is given up, and the next who needs one gets another. What outer scopes had committed is not there. */
  async function forgetRestore(cause: Scope): Promise<void> {
    await sandbox.disconnect()
    await restore?.close().catch(() => {})
    restore = undefined
    lent = false
    for (const outer of entered) {
      if (outer.holds === 0) continue
      outer.holds = 0
      const names = { scope: describeScope(outer.scope), cause: describeScope(cause) }
      outer.refusal ??= workerErrors.COMMITTED_ROWS_LOST(names)
    }
  }

  function ownDatabase(of?: OwnDatabase): OwnDatabase {
    let made: Promise<{ database: string; url: string }> | undefined
    let name: string | undefined
    async function make() {
      // Nobody may be connected to what is copied.
      if (of) await sandbox.disconnect()
      const given = await main.clone({ of: of?.name() })
      name = given.database
      return given
    }
    return {
      url: async () => (await (made ??= make())).url,
      name: () => name,
      async end() {
        if (name === undefined) return
        await main.discard({ database: name })
      },
    }
  }

  /** What of the outer scopes an inner one of another isolation would not see. */
  function hasRun(outer: Entered): boolean {
    if (outer.isolation === 'transaction') return sandbox.used
    if (outer.isolation === 'database') return outer.own?.name() !== undefined
    return outer.holds > 0 || writtenSince()
  }

  /** What outer scopes have committed is what the inner one's tests start from. */
  async function hold(outer: Entered): Promise<Error | undefined> {
    const { afresh, ended } = await restore!.hold()
    sent = sandbox.direct.sent
    untold.push(...ended.map(session => endedLine(outer.scope, 'came to a test', session)))
    if (afresh.length === 0) {
      outer.holds += 1
      return undefined
    }
    await forgetRestore(outer.scope)
    return (outer.refusal = workerErrors.DDL_BEFORE_TESTS({ scope: describeScope(outer.scope), reasons: afresh }))
  }

  async function refusalOf(scope: Scope, isolation: Isolation): Promise<Error | undefined> {
    const known = entered.find(({ refusal }) => refusal)?.refusal
    if (known) return known
    const other = entered.findLast(each => each.isolation !== isolation && hasRun(each))
    if (other) {
      const names = { inner: describeScope(scope), outer: describeScope(other.scope) }
      return workerErrors.ISOLATION_MIXED({ ...names, isolation, around: other.isolation })
    }
    const outer = entered.at(-1)
    return isolation === 'restore' && outer?.isolation === 'restore' && writtenSince() ? hold(outer) : undefined
  }

  return {
    async enter(scope, isolation) {
      await sandbox.refresh()
      const refusal = await refusalOf(scope, isolation)
      if (refusal && scope.kind === 'test') throw refusal
      const outer = entered.at(-1)
      const level = refusal && outer ? outer.isolation : isolation
      const around = entered.findLast(({ own }) => own?.name() !== undefined)
      const own = level === 'database' ? ownDatabase(around?.own) : undefined
      entered.push({ scope, isolation: level, holds: 0, refusal, ...(own && { own }) })
      if (own) return { direct: () => own.url() }
      if (outer?.isolation === level) return {}
      if (level === 'restore') return { direct: restoreUrl }
      return outer ? { direct: null } : {}
    },
    async leave(scope, failed) {
      const index = entered.findLastIndex(each => each.scope.id === scope.id)
      if (index === -1) return []
      // What is above it could not be entered after all.
      const left = entered[index]!
      entered.length = index
      const lines = untold.splice(0)
      if (left.isolation === 'database') lines.push(...(await leaveOwn(left, failed)))
      if (left.isolation === 'restore' && lent) lines.push(...(await leaveRestore(left, failed)))
      return lines
    },
    ownDatabase: () => ownDatabase(),
    async close() {
      await restore?.close().catch(() => {})
    },
  }

  async function leaveOwn({ scope, own }: Entered, failed: boolean): Promise<string[]> {
    const database = own!.name()
    if (database === undefined) return []
    // What was sent here was not sent to the database that is put back.
    sent = sandbox.direct.sent
    await sandbox.disconnect()
    if (failed && run.keep) return keepIsolated(database, scope)
    await own!.end()
    return []
  }

  async function leaveRestore({ scope, holds }: Entered, failed: boolean): Promise<string[]> {
    const written = writtenSince()
    if (failed && run.keep && written) {
      const { database } = restore!
      await forgetRestore(scope)
      return keepIsolated(database, scope)
    }
    const lines: string[] = []
    // Once if nothing is held, and else once a hold.
    for (let left = Math.max(holds, written ? 1 : 0); left > 0 && lent; left--) {
      const back = holds > 0 ? await restore!.release() : await restore!.putBack()
      sent = sandbox.direct.sent
      lines.push(...linesOf(scope, back))
      if (back.afresh.length > 0) await forgetRestore(scope)
    }
    // So that the process of the next file finds it.
    if (entered.length === 0 && lent) {
      lent = false
      await main.giveBack({ slot, database: restore!.database })
    }
    return lines
  }

  async function keepIsolated(database: string, scope: Scope): Promise<string[]> {
    try {
      const path = [...entered.map(each => each.scope), scope].map(({ name }) => name)
      return keptLinesOf(scope, await main.keepIsolated({ database, path }))
    } catch (error) {
      return [notKeptLine(scope, (error as Error).message)]
    }
  }
}

function linesOf(scope: Scope, { ended, afresh }: PutBack): string[] {
  const lines = ended.map(session => endedLine(scope, 'ended', session))
  if (afresh.length > 0) {
    const left = `${describeScope(scope)} has left what cannot be put back, so the next test gets another database`
    lines.push(`seedbed  ${left}: ${afresh.join('; ')}`)
  }
  return lines
}

function endedLine(scope: Scope, when: string, { pid, user, application, in: open }: EndedSession): string {
  const names = [application, pid > 0 ? `process ${pid}` : ''].filter(Boolean).join(', ')
  return `seedbed  ${describeScope(scope)} ${when} while a session of ${user} (${names}) was in the midst of a ${open}; it was ended`
}
