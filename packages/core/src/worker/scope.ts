import type { Sandbox } from 'pg-sandbox'
import type { OwnDatabase } from './isolations.js'

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
}

export interface ConcurrentScope extends Scope {
  /** Of its own, once it has asked for a client. */
  sandbox?: Sandbox
  /** Under isolation `restore` and `database`. */
  own?: OwnDatabase
  client?: ScopeFollower
}

export interface ScopeFollower {
  beforeLeave(): Promise<void>
  afterLeave(): Promise<void>
}
