import pc from 'picocolors'
import type { FileNote } from './run-folder.js'

/** What a run did, for its line at the end. */
export interface RunReport {
  /** `embedded PostgreSQL 18.4`. */
  server: string
  origin: 'initialised' | 'started' | 'attached'
  /** Why the template was built; null if it was reused. */
  templateBuilt: string | null
  databases: { cloned: number; recycled: number }
  files: number
  tests: number
  /** Of entering and leaving a test; null if no test entered. */
  medianMicroseconds: number | null
  /** Sessions that workers opened; 0 means that nothing ever used the database. */
  sessions: number
  /** Worker databases that cannot be used again, and why. */
  dropped: { database: string; reason: string }[]
  /** From the start of the run to its first test, in milliseconds. */
  startMilliseconds: number
}

export function summariseNotes(notes: readonly FileNote[]): Pick<RunReport, 'files' | 'tests' | 'sessions' | 'medianMicroseconds'> {
  const costs = notes.flatMap(({ tests }) => tests).sort((a, b) => a - b)
  return {
    files: notes.length,
    tests: costs.length,
    sessions: notes.reduce((sum, { sessions }) => sum + sessions, 0),
    medianMicroseconds: costs[Math.floor(costs.length / 2)] ?? null,
  }
}

/**
 * The quiet line at the end of a run, and what has to be said loudly below it.
 *
 * @example
 * // seedbed  embedded PostgreSQL 18.4 started · template reused · 2 databases recycled · ready in 96 ms · 0.03 ms a test
 */
export function reportLines(report: RunReport): string[] {
  const { cloned, recycled } = report.databases
  const databases = [
    ...(recycled ? [`${count(recycled, 'database')} recycled`] : []),
    ...(cloned ? [`${recycled ? cloned : count(cloned, 'database')} cloned`] : []),
  ]
  const facts = [
    `${report.server} ${report.origin}`,
    report.templateBuilt === null ? pc.green('template reused') : pc.yellow(`template built: ${report.templateBuilt}`),
    databases.join(', '),
    `ready in ${Math.round(report.startMilliseconds)} ms`,
    ...(report.medianMicroseconds === null ? [] : [`${(report.medianMicroseconds / 1_000).toFixed(2)} ms a test`]),
  ]
  const lines = [`${pc.bold('seedbed')}  ${facts.join(' · ')}`]
  if (report.sessions === 0) {
    lines.push(
      pc.yellow('seedbed  No test ever connected to the database. If some should have: do they use db, or DATABASE_URL?'),
    )
  }
  for (const { database, reason } of report.dropped) lines.push(pc.yellow(`seedbed  ${database} was dropped: ${reason}`))
  return lines
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
