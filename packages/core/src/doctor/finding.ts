import type { ConfiguredEnvironment } from '@seedbed/environments'
import type { Shared } from './shared.js'

/**
 * - `ok`: looked at, and in order
 * - `warning`: works, and will surprise somebody
 * - `problem`: something does not work, or is not safe
 * - `skipped`: it could not be looked at; `found` says why
 */
export type Level = 'ok' | 'warning' | 'problem' | 'skipped'

/** What one check has found in one place. It holds no password. */
export interface Finding {
  /** The check's name, which does not change: `secrets`. */
  check: string
  level: Level
  /** What was found, and where, in one sentence. */
  found: string
  /** Why it matters; null where nothing has to be done. */
  why: string | null
  /** What to do, one step a line: a sentence, a statement for the server's administrator, or a command. */
  wayOut: string[]
  /** Whose database it is about. */
  environment: Pick<ConfiguredEnvironment, 'name' | 'badge'> | null
  /** From the repository's root, or absolute. */
  file: string | null
  /** From 1. */
  line: number | null
  /** The environment variable to look at. */
  variable: string | null
}

/** A finding as a check makes it. */
export type Found = Omit<Finding, 'check'>

/** One thing to look at. It changes nothing that stays. */
export interface Check {
  /** Stable: programs filter by it. */
  name: string
  /** What it looks at: a row of docs/guide/doctor.md. */
  about: string
  /**
   * What it throws ends it and no other check: `CannotCheck` is skipped, an error that teaches is a problem, and any other is
   * skipped with its message.
   */
  run(shared: Shared): AsyncIterable<Found>
}

/** Thrown by a check that cannot be made here. */
export class CannotCheck extends Error {}

type Place = Partial<Pick<Found, 'environment' | 'file' | 'line' | 'variable'>>

export function ok(found: string, place: Place = {}): Found {
  return { level: 'ok', found, why: null, wayOut: [], ...nowhere, ...place }
}

export function skipped(found: string, place: Place = {}): Found {
  return { ...ok(found, place), level: 'skipped' }
}

export function warning(found: string, rest: { why: string; wayOut: string[] } & Place): Found {
  return { ...ok(found), ...rest, level: 'warning' }
}

export function problem(found: string, rest: { why: string; wayOut: string[] } & Place): Found {
  return { ...ok(found), ...rest, level: 'problem' }
}

const nowhere = { environment: null, file: null, line: null, variable: null }
