import { applyVariables } from '../run/apply-variables.js'
import type { FailedRun, RunHandle, WorkerDatabase } from '../run/run-handle.js'
import { appendNote, type FileNote } from '../run/worker-files.js'

/** A part of a file that starts and ends: what is written in it is gone when it ends. */
export interface Scope {
  /** The same at enter and leave, and no other scope's. */
  id: string
  kind: 'file' | 'suite' | 'test'
  /** For messages: a path, or the name of a describe or test. */
  name: string
  /** Whether others may run at the same time; such a scope shares the worker's transaction with nobody. */
  concurrent?: boolean
}

/** What an adapter tells of its runner's events in this process. */
export interface WorkerScopes {
  /** Throws CONNECTION_CHANGED if a test starts while DATABASE_URL or a PG* variable is not what Seedbed has set. */
  enter(scope: Scope): Promise<void>
  /** Ends the scope and any that were left open inside it. A scope that was never entered is none. */
  leave(scope: Scope): Promise<void>
  readonly run: RunHandle
  /** The runner's number for this worker, from 1. */
  readonly slot: number
  readonly assigned: WorkerDatabase
  /** Those that are entered, the innermost last. */
  readonly entered: readonly Scope[]
  readonly concurrent: ReadonlyMap<string, Scope>
  /** What has to know of scopes as well, once a test has asked for the database. */
  follower?: ScopeFollower
}

export interface ScopeFollower {
  enter(): Promise<void>
  leave(): Promise<void>
  /** After the last `leave` of a file: how many sessions were opened since the last file. */
  endFile(): Promise<number>
}

const scopesKey = Symbol.for('seedbed.scopes')
type Holder = typeof globalThis & { [scopesKey]?: WorkerScopes }

/**
 * Makes this process (or thread) a worker of the run: sets ENVIRONMENT, DATABASE_URL, PG* and the configured variables,
 * and connects to nothing yet. Called again for the next file it answers with the same scopes.
 *
 * In most runners each file is a process that pays for every module it imports. So this one imports next to nothing:
 * the worker's client, its errors and `pg` come with the first file that asks for them.
 *
 * @param slot the runner's number for this worker, from 1; no two that run at the same time have the same
 * @throws NO_WORKER_DATABASE, RUN_NOT_READY
 * @example
 * const scopes = await openScopes(run, Number(process.env.VITEST_POOL_ID))
 * await scopes.enter({ id: '1', kind: 'file', name: 'users.test.ts' })
 */
export async function openScopes(run: RunHandle | FailedRun, slot: number): Promise<WorkerScopes> {
  if ('failure' in run || !run.workers[slot - 1]) {
    const { refuseWorker } = await import('./refusals.js')
    return refuseWorker(run, slot)
  }
  return scopesOf(run, slot)
}

/** The same for a run and slot that are known to fit. */
export function scopesOf(run: RunHandle, slot: number): WorkerScopes {
  const assigned = run.workers[slot - 1]!
  applyVariables(process.env, assigned.variables)
  const holder: Holder = globalThis
  const known = holder[scopesKey]
  if (known?.run.id === run.id && known.slot === slot) return known
  return (holder[scopesKey] = makeScopes(run, slot, assigned))
}

/** The scopes of this process, if it is a worker. */
export function openedScopes(): WorkerScopes | undefined {
  return (globalThis as Holder)[scopesKey]
}

function makeScopes(run: RunHandle, slot: number, assigned: WorkerDatabase): WorkerScopes {
  const entered: Scope[] = []
  const concurrent = new Map<string, Scope>()
  /** Since the last note. */
  const costs: FileNote['tests'] = []
  const spent = new Map<string, number>()
  // Reading forty variables costs as much as a round trip: all of them at a file's or suite's first test, after that
  // only those that send a connection elsewhere.
  const connectionVariables = connectionVariablesOf(assigned)
  const decisive = connectionVariables.filter(([name, value]) => value !== undefined || redirecting.has(name))
  let lookAtAll = true

  async function leaveInnermost() {
    const scope = entered.pop()
    await scopes.follower?.leave()
    if (scope?.kind !== 'file') return
    const sessions = (await scopes.follower?.endFile()) ?? 0
    appendNote(run.folder, slot, { file: scope.name, sessions, tests: costs.splice(0) })
  }

  async function timed<Result>(scope: Scope, work: () => Promise<Result>): Promise<Result> {
    if (scope.kind !== 'test') return work()
    const start = now()
    try {
      return await work()
    } finally {
      spent.set(scope.id, (spent.get(scope.id) ?? 0) + (now() - start))
    }
  }

  const scopes: WorkerScopes = {
    run,
    slot,
    assigned,
    entered,
    concurrent,
    enter: scope =>
      timed(scope, async () => {
        if (scope.kind === 'test') {
          const looked = lookAtAll ? connectionVariables : decisive
          if (looked.some(isChanged)) await refuseChanged(looked)
        }
        lookAtAll = scope.kind !== 'test'
        if (scope.concurrent) {
          concurrent.set(scope.id, scope)
          return
        }
        // What the runner did not end, a test skipped half-way or a file that failed early, ends where the next starts.
        if (scope.kind === 'file') while (entered.length > 0) await leaveInnermost()
        if (scope.kind === 'test') while (entered.at(-1)?.kind === 'test') await leaveInnermost()
        // In one go: whoever begins to follow between the two would count one scope too few.
        entered.push(scope)
        await scopes.follower?.enter()
      }),
    async leave(scope) {
      await timed(scope, async () => {
        if (concurrent.delete(scope.id)) return
        while (entered.some(({ id }) => id === scope.id)) await leaveInnermost()
      })
      const cost = spent.get(scope.id)
      if (cost !== undefined) costs.push({ name: scope.name, microseconds: Math.round(cost * 1_000) })
      spent.delete(scope.id)
    },
  }
  return scopes
}

// Taken before a test can put a fake clock in its place.
const now = performance.now.bind(performance)

type Variable = readonly [name: string, value: string | undefined]

/** Those that decide where a test connects; it may well set NODE_ENV or the application's own. */
function connectionVariablesOf({ variables }: WorkerDatabase): Variable[] {
  return Object.entries(variables)
    .filter(([name]) => name === 'DATABASE_URL' || name.startsWith('PG'))
    .map(([name, value]) => [name, value ?? undefined])
}

/** Unset by us. Set, they lead a connection that names no such thing itself to another server, or make it fail. */
const redirecting = new Set(['PGHOSTADDR', 'PGSERVICE', 'PGOPTIONS', 'PGSSLMODE'])

const isChanged = ([name, value]: Variable) => process.env[name] !== value

async function refuseChanged(variables: Variable[]): Promise<void> {
  const changed = variables.find(isChanged)
  if (!changed) return
  const { refuseChangedVariable } = await import('./refusals.js')
  refuseChangedVariable(changed[0], process.env[changed[0]])
}
