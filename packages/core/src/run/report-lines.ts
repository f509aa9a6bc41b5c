import pc from 'picocolors'
import { accessLines } from './kept-lines.js'
import type { RunReport, TestSummary } from './report.js'

/**
 * The quiet line at the end of a run, and below it what has to be said loudly.
 *
 * @param whole with all that is known of where the time went
 * @example
 * // seedbed  embedded PostgreSQL 18.4 started · template reused · 2 databases recycled · ready in 96 ms · 0.03 ms a test
 */
export function reportLines(report: RunReport, { whole = false }: { whole?: boolean } = {}): string[] {
  return [mainLine(report), ...(whole ? timeLines(report) : []), ...warningLines(report), ...keptLines(report)]
}

function mainLine(report: RunReport): string {
  const facts = [
    `${report.server} ${report.origin}`,
    templateFact(report),
    databasesFact(report),
    `ready in ${Math.round(report.start.total)} ms`,
    ...(report.tests ? [`${milliseconds(report.tests.median)} a test`] : []),
  ]
  return `${pc.bold('seedbed')}  ${facts.join(' · ')}`
}

function timeLines({ start, tests, slowest, ...report }: RunReport): string[] {
  return [
    timeLine(start.server * 1_000, `${report.server} ${report.origin}; migrations and seeds read`),
    timeLine(start.template * 1_000, templateFact(report)),
    timeLine(start.databases * 1_000, databasesFact(report)),
    ...(tests ? testLines(tests) : []),
    ...(slowest.length > 0 ? [`${indent}slowest in the database`] : []),
    ...slowest.map(({ file, name, databaseMicroseconds, statements }) =>
      timeLine(databaseMicroseconds, `${file} > ${name}  ${pc.dim(count(statements, 'statement'))}`),
    ),
  ]
}

function testLines({ count: number, median, percentile99, total, inDatabase }: TestSummary): string[] {
  const each = `${milliseconds(median)} median, ${milliseconds(percentile99)} 99th percentile`
  return [
    timeLine(total, `${count(number, 'test')} entered and left: ${each}`),
    timeLine(inDatabase, 'in the database, for the tests'),
  ]
}

function templateFact({ templateBuilt }: Pick<RunReport, 'templateBuilt'>): string {
  return templateBuilt === null ? pc.green('template reused') : pc.yellow(`template built: ${templateBuilt}`)
}

function databasesFact({ databases: { cloned, recycled } }: Pick<RunReport, 'databases'>): string {
  return [
    ...(recycled ? [pc.green(`${count(recycled, 'database')} recycled`)] : []),
    ...(cloned ? [pc.yellow(recycled ? `${cloned} cloned` : `${count(cloned, 'database')} cloned`)] : []),
  ].join(', ')
}

function warningLines({ sessions, dropped, serverWasAway }: RunReport): string[] {
  const lines = [
    ...(sessions === 0 ? [nobody] : []),
    ...dropped.map(({ database, reason }) => `${database} was dropped: ${reason}`),
    ...(serverWasAway ? [wasAway] : []),
  ]
  return lines.map(line => pc.yellow(`seedbed  ${line}`))
}

function keptLines({ kept }: RunReport): string[] {
  return kept.flatMap(test => [`${pc.bold('seedbed')}  kept for seven days: ${test.test}`, ...accessLines(test)])
}

const nobody = 'No test ever connected to the database. If some should have: do they use db, or DATABASE_URL?'
const wasAway =
  'The server was restarted, or has hung up, while the tests ran. The databases of this run are dropped by a later one.'

/** As wide as `seedbed  `. */
const indent = ' '.repeat(9)
const timeLine = (microseconds: number, what: string) => `${indent}${milliseconds(microseconds).padStart(12)}  ${what}`
const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
const milliseconds = (microseconds: number) => `${(microseconds / 1_000).toFixed(2)} ms`
