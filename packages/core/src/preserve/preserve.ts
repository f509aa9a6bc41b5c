import type { InEnvironment } from '../environment/in-environment.js'
import type { Asking } from '../prepare/confirm.js'
import type { KeptRow } from '../reset/kept-rows.js'
import type { Rows } from './find-rows.js'
import type { PreservedMark } from './marks.js'

export interface PreserveOptions extends InEnvironment, Asking {
  /** Which rows. */
  rows: Rows
  /** Why, for whoever reads the list. */
  reason?: string | undefined
  /** Take the marks away. @default false */
  off?: boolean
}

export interface Preserved {
  environment: string
  /** The base name. */
  database: string
  /** Marks that are new, or that were taken away. */
  changed: Pick<PreservedMark, 'table' | 'key'>[]
  marks: PreservedMark[]
  /** All rows that a reset keeps: those that are marked, and those that they refer to. */
  kept: KeptRow[]
  /** Marks whose row is not there any more: it was deleted, or has another key. */
  missing: PreservedMark[]
}

/**
 * Marks rows that a reset keeps, with every row that they refer to, or takes marks away. A mark says which row it is by its primary
 * key, and stands in the database itself.
 *
 * @throws SeedbedError PRESERVE_NO_TABLE, PRESERVE_NO_KEY, PRESERVE_WRONG_KEY, PRESERVE_NO_ROW, PRESERVE_UNKNOWN_LABEL,
 *   PRODUCTION_WITHOUT_CONSENT, and what `openGuarded` throws
 * @example
 * const { kept } = await preserve({ folder: process.cwd(), rows: { table: 'users', key: { id: '42' } }, reason: 'demo account' })
 */
export async function preserve(options: PreserveOptions): Promise<Preserved> {
  const { changeMarks } = await import('./change-marks.js')
  return changeMarks(options)
}

/**
 * Lists what is marked, what is kept because of it, and marks whose row is gone.
 *
 * @throws SeedbedError what `openGuarded` throws
 * @example const { marks, missing } = await listPreserved({ folder: process.cwd(), environment: 'staging' })
 */
export async function listPreserved(options: Omit<PreserveOptions, 'rows' | 'reason' | 'off'>): Promise<Preserved> {
  const { listMarks } = await import('./change-marks.js')
  return listMarks(options)
}
