import type { Footprint, Sandbox } from 'pg-sandbox'
import {
  mainProcess,
  type ChannelAddress,
  type KeepCalls,
  type KeptTest,
  type NextDatabase,
  type Place,
} from '../run/channel.js'
import { accessLines } from '../run/kept-lines.js'
import { describeScope } from './footprint-lines.js'
import type { Scope } from './scope.js'

interface FailedTest {
  main: ChannelAddress
  place: Place
  /** Its innermost scope is the test. */
  sandbox: Sandbox
  /** Those around the test, the outermost first. */
  around: readonly Scope[]
  test: Scope
}

export interface KeepOutcome {
  /** None if the session was lost. */
  footprint?: Footprint
  /** What to say below what a failed test has done. */
  lines: string[]
  /** Where the sandbox is now, if it has left its database. */
  next?: NextDatabase
  /** Those of `around` that have lost what ran in them. */
  emptied: readonly Scope[]
  /** Whether nobody knows what has become of the COMMIT: no test may run in this database any more. */
  inDoubt?: boolean
}

/** Leaves the scope of a test that has failed. What it saw is committed and kept, and the sandbox goes on in another database. */
export async function leaveAndKeep(failed: FailedTest): Promise<KeepOutcome> {
  const { sandbox, place, test } = failed
  const main = mainProcess(failed.main)
  const notKept = (reason: string) => [notKeptLine(test, reason)]
  // If nobody answers, nobody gives this database to anyone else either.
  const stay = () => main.stay(place).catch(() => {})
  let next: NextDatabase
  try {
    next = await main.offer(place)
  } catch (error) {
    const lines = notKept((error as Error).message)
    return { footprint: await sandbox.leave({ detailed: true }), lines, emptied: [] }
  }
  try {
    const footprint = await sandbox.leave({ detailed: true, keep: next.url })
    const { kept } = footprint
    if (kept && kept.problem === undefined) {
      const emptied = failed.around.filter((_, index) => kept.emptied[index])
      return { footprint, next, emptied, lines: await keptLines(main, failed, emptied) }
    }
    await stay()
    return { footprint, emptied: [], lines: kept ? notKept(kept.problem!) : [] }
  } catch (error) {
    const { message, code = '' } = error as Error & { code?: string }
    // It has committed, and does not get into the other database.
    if (code === 'CONNECTION_FAILED') {
      return { next, emptied: [], lines: [...(await keptLines(main, failed, [])), `seedbed  ${message}`] }
    }
    // With the server's word the COMMIT was refused; without it, nobody knows.
    const isRefused = /^(?!08|57|XX)[0-9A-Z]{5}$/.test(code)
    if (isRefused) await stay()
    return { emptied: [], lines: notKept(message), inDoubt: !isRefused }
  }
}

async function keptLines(main: KeepCalls, failed: FailedTest, emptied: readonly Scope[]): Promise<string[]> {
  const { place, around, test } = failed
  const lost = emptied.map(
    scope => `seedbed  with it went what ${describeScope(scope)} had run: its other tests do not run`,
  )
  try {
    const kept = await main.keep({ ...place, path: [...around, test].map(({ name }) => name) })
    return [...keptLinesOf(test, kept), ...lost]
  } catch (error) {
    return [notKeptLine(test, (error as Error).message), ...lost]
  }
}

/** Says where what a failed test has seen is to be found. */
export function keptLinesOf(test: Scope, kept: KeptTest): string[] {
  return [`seedbed  what ${describeScope(test)} saw is kept for seven days:`, ...accessLines(kept)]
}

/** Also for a concurrent test. */
export function notKeptLine(test: Scope, reason: string): string {
  return `seedbed  what ${describeScope(test)} saw is not kept: ${reason}`
}
