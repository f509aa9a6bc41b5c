import pc from 'picocolors'
import type { KeptTest } from './channel.js'
import { accessLines } from './kept-lines.js'
import type { FileNote } from './worker-files.js'

/** What a run did, for its line at the end. */
export interface RunReport {
  /** `embedded PostgreSQL 18.4`. */
  server: string
  origin: 'initialised' | 'started' | 'attached'
  /** Why the template was built; null if it was reused. */
  templateBuilt: string | null
  databases: { cloned: number; recycled: number }
  files: readonly FileNote[]
  /** Of entering and leaving a test; null if no test entered. */
  medianMicroseconds: number | null
  /** Sessions that workers opened; 0 means that nothing ever used the database. */
  sessions: number
  /** Worker databases that cannot be used again, and why. */
  dropped: { database: string; reason: string }[]
  /** Failed tests whose databases were kept. */
  kept: KeptTest[]
  /** From the start of the run to its first test, in milliseconds. */
  startMilliseconds: number
}

export function summariseNotes(
  notes: readonly FileNote[],
): Pick<RunReport, 'files' | 'sessions' | 'medianMicroseconds'> {
  const costs = notes.flatMap(({ tests }) => tests.map(({ microseconds }) => microseconds)).sort((a, b) => a - b)
  return {
    files: notes,
    sessions: notes.reduce((sum, { sessions }) => sum + sessions, 0),
    medianMicroseconds: costs[Math.floor(costs.length / 2)] ?? null,
  }
}

/**
 * The quiet line at the end of a run, and below it what has to be said loudly.
 *
 * @param environment SEEDBED_REPORT=1 adds one line a test: what entering and leaving it cost
 * @example
 * // seedbed  embedded PostgreSQL 18.4 started · template reused · 2 databases recycled · ready in 96 ms · 0.03 ms a test
 */
export function reportLines(report: RunReport, environment: NodeJS.ProcessEnv): string[] {
  return [
    ...(environment.SEEDBED_REPORT === '1' ? testLines(report) : []),
    mainLine(report),
    ...warningLines(report),
    ...keptLines(report),
  ]
}

function mainLine(report: RunReport): string {
  const { cloned, recycled } = report.databases
  const databases = [
    ...(recycled ? [pc.green(`${count(recycled, 'database')} recycled`)] : []),
    ...(cloned ? [pc.yellow(recycled ? `${cloned} cloned` : `${count(cloned, 'database')} cloned`)] : []),
  ]
  const facts = [
    `${report.server} ${report.origin}`,
    report.templateBuilt === null ? pc.green('template reused') : pc.yellow(`template built: ${report.templateBuilt}`),
    databases.join(', '),
    `ready in ${Math.round(report.startMilliseconds)} ms`,
    ...(report.medianMicroseconds === null ? [] : [`${milliseconds(report.medianMicroseconds)} a test`]),
  ]
  return `${pc.bold('seedbed')}  ${facts.join(' · ')}`
}

function testLines({ files }: RunReport): string[] {
  return files
    .filter(({ tests }) => tests.length > 0)
    .flatMap(({ file, tests }) => [
      `${pc.bold('seedbed')}  ${file}`,
      ...tests.map(({ name, microseconds }) => `${milliseconds(microseconds).padStart(16)}  ${name}`),
    ])
}

function warningLines({ sessions, dropped }: RunReport): string[] {
  const nobody = 'No test ever connected to the database. If some should have: do they use db, or DATABASE_URL?'
  const lines = dropped.map(({ database, reason }) => `${database} was dropped: ${reason}`)
  return (sessions === 0 ? [nobody, ...lines] : lines).map(line => pc.yellow(`seedbed  ${line}`))
}

function keptLines({ kept }: RunReport): string[] {
  return kept.flatMap(test => [`${pc.bold('seedbed')}  kept for seven days: ${test.test}`, ...accessLines(test)])
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
const milliseconds = (microseconds: number) => `${(microseconds / 1_000).toFixed(2)} ms`
