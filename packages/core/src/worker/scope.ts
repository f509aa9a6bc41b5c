import type { Sandbox } from 'pg-sandbox'
import type { Isolation } from '../config/config.js'
import type { RunHandle, WorkerDatabase } from '../run/run-handle.js'
import type { Declared } from './declared.js'
import type { OwnDatabase } from './isolations.js'
import type { ScopesInSandbox } from './scopes-in-sandbox.js'

/** A part of a file that starts and ends: what is written in it is gone when it ends. */
export interface Scope {
  /** The same at enter and leave, and no other scope's: a text, or the runner's own object. */
  id: unknown
  kind: 'file' | 'suite' | 'test'
  /** For messages: a path, or the name of a describe or test. */
  name: string
  /** Whether others may run at the same time; such a scope shares the worker's transaction with nobody. */
  concurrent?: boolean
  /** At its end: whether it has failed for good, so that what it did is of interest, and worth to be kept. */
  failed?: boolean
  /** Of the scope around concurrent tests: whether two of them have run at the same time. */
  overlapped?: boolean
}

export interface ConcurrentScope extends Scope {
  /** Of its own, once it has asked for a client. */
  sandbox?: Sandbox
  /** Under isolation `restore` and `database`. */
  own?: OwnDatabase
  client?: ScopeFollower
}

export interface ScopeFollower {
  beforeLeave(): Promise<void> | undefined
  afterLeave(): Promise<void> | undefined
}

/** What an adapter tells of its runner's events in this process. */
export interface WorkerScopes {
  /**
   * Throws CONNECTION_CHANGED if a test starts while DATABASE_URL or a PG* variable is not what Seedbed has set,
   * TRANSACTION_ENDED if something was committed in the worker's database, and KEPT_WITH_TEST if a test starts whose file or
   * suite has lost its rows to a test that was kept.
   */
  enter(scope: Scope): Promise<void>
  /** Ends the scope and any that were left open inside it. A scope that was never entered is none. */
  leave(scope: Scope): Promise<void>
  /** Ends the sandbox. Only for a worker that outlives its run; a process that ends takes its sessions with it. */
  close(): Promise<void>
  readonly run: RunHandle
  /** The runner's number for this worker, from 1. */
  readonly slot: number
  /** Another one after a failed test was kept in it. */
  assigned: WorkerDatabase
  /** Opens the sandbox that DATABASE_URL leads to, as its first client does. */
  inSandbox(): Promise<ScopesInSandbox>
  /** Those that are entered, the innermost last. */
  readonly entered: readonly Scope[]
  readonly declared: Declared
  /** Of a scope within the innermost one. */
  isolationOf(scope: Scope): Isolation
  readonly concurrent: ReadonlyMap<unknown, ConcurrentScope>
  /** Whoever has to know of scopes as well, once a test has asked for the worker's client. */
  client?: ScopeFollower
  print(line: string): void
  /** Those of this process that say where to connect; tests look at the first. */
  environments: NodeJS.ProcessEnv[]
}
