import type { Isolation } from '../config/config.js'
import type { ChannelAddress } from './channel.js'

/** What crosses from the main process to the workers: plain JSON, small, the same for all workers of a run. */
export interface RunHandle {
  /** Unguessable; names the run in files and messages. */
  id: string
  /** The folder of the project's config, from which the paths in it and of its seeds count. */
  project: string
  /** A private folder of this run (0700): the workers write their notes there, and read `template.json`. */
  folder: string
  isolation: Isolation
  /** When they are set back. */
  sequences: 'file' | 'test'
  /** How a worker's sandbox is to be. */
  sandbox: {
    users?: Record<string, { role?: string }>
    ownThread?: boolean
    whenFull: string
    findProblem?: string | undefined
  }
  /** Where a worker asks for databases. */
  main: ChannelAddress
  /** Whether a failed test keeps its database. */
  keep: boolean
  /** One a slot; the first is slot 1. */
  workers: WorkerDatabase[]
}

export interface WorkerDatabase {
  database: string
  /** As the application's ordinary role. What a test connects to is not this, but a sandbox of it. */
  url: string
  /** Of the sandbox. */
  password: string
  /**
   * ENVIRONMENT, DATABASE_URL, PG* and the configured variables; null where a variable has to go. The port of the sandbox
   * stands in them only once the worker has opened it.
   */
  variables: Record<string, string | null>
}

/** In place of a handle: why there is none, for every test file to say. */
export interface FailedRun {
  failure: string
}
