import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import pc from 'picocolors'
import { configErrors } from '../config/errors.js'
import { shownValue } from './keep-mode.js'
import { reportLines } from './report-lines.js'
import type { RunReport } from './report.js'

/** Of this process, by file: several projects may be tested at once, and each run comes to its own end. */
const written = new Map<string, RunReport[]>()

/**
 * Says what a run did: one line, and all of it where SEEDBED_REPORT is 1. Where that is the name of a .json file, all of it
 * is written there: `{ "runs": [report, …] }`, one for each run of this process.
 *
 * @param print takes one or more lines; colours are in them where the terminal has some
 * @example await publishReport(await run.close())
 */
export async function publishReport(report: RunReport, print = printOnStandardError): Promise<void> {
  const { whole, file } = reportMode(process.env)
  print(reportLines(report, { whole }).join('\n'))
  if (file === undefined) return
  const runs = [...(written.get(file) ?? []), report]
  written.set(file, runs)
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, `${JSON.stringify({ runs }, null, 2)}\n`)
  } catch (error) {
    // The tests have run, and it is not for this to make them fail.
    print(pc.yellow(`seedbed  SEEDBED_REPORT was not written: ${(error as Error).message}`))
  }
}

/** What a runner prints on standard output may be a report that a program reads: `--reporter=json`, `--json`. */
export const printOnStandardError = (text: string): void => void process.stderr.write(`${text}\n`)

/**
 * What SEEDBED_REPORT asks for.
 *
 * @throws VARIABLE_WRONG_VALUE
 * @example reportMode({ SEEDBED_REPORT: '1' }) // { whole: true, file: undefined }
 */
export function reportMode({ SEEDBED_REPORT: value = '' }: NodeJS.ProcessEnv): {
  whole: boolean
  file: string | undefined
} {
  if (value === '' || value === '1') return { whole: value === '1', file: undefined }
  if (value.endsWith('.json') && !value.includes('://')) return { whole: false, file: resolve(value) }
  const expected = "'1', the name of a .json file, or nothing"
  throw configErrors.VARIABLE_WRONG_VALUE({ variable: 'SEEDBED_REPORT', expected, got: shownValue(value) })
}
