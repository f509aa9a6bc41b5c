import { doctor, preflight, type Diagnosis, type Finding } from '@seedbed/core'
import { badge } from '@seedbed/environments'
import { colour, plain, print, printJson } from './print.js'

/**
 * Prints what doctor has found, check by check, with the way out under what is not in order.
 *
 * @returns the exit code: 1 if there is a problem
 */
export async function doctorCommand(folder: string, { env, json }: Asked): Promise<number> {
  return printDiagnosis(await doctor({ folder, environment: env }), json)
}

/**
 * Prints whether a deployment may go ahead.
 *
 * @returns the exit code: 1 if it may not
 */
export async function preflightCommand(folder: string, { env, json }: Asked): Promise<number> {
  return printDiagnosis(await preflight({ folder, environment: env }), json)
}

interface Asked {
  env?: string | undefined
  json?: boolean
}

function printDiagnosis(diagnosis: Diagnosis, json: boolean | undefined): number {
  if (json) printJson(diagnosis)
  else for (const line of linesOf(diagnosis)) print(line)
  return diagnosis.findings.some(({ level }) => level === 'problem') ? 1 : 0
}

function linesOf({ checked, findings }: Diagnosis): string[] {
  const groups = checked.flatMap(name => [
    colour('bold', name, process.stdout),
    ...findings.filter(({ check }) => check === name).flatMap(findingLines),
    '',
  ])
  return [...groups, summary(findings)]
}

const signs = {
  ok: ['green', '✓'],
  warning: ['yellow', '!'],
  problem: ['red', '✗'],
  skipped: ['dim', '–'],
} as const satisfies Record<Finding['level'], unknown>

function findingLines({ level, found, why, wayOut, environment }: Finding): string[] {
  const [format, sign] = signs[level]
  const start = environment ? `${badge(environment)} ` : ''
  return [
    `  ${colour(format, sign, process.stdout)} ${start}${plain(found)}`,
    ...(why === null ? [] : [colour('dim', `      ${plain(why)}`, process.stdout)]),
    ...wayOut.map(line => `      → ${plain(line)}`),
  ]
}

function summary(findings: Finding[]): string {
  const count = (level: Finding['level']) => findings.filter(each => each.level === level).length
  const counted = (level: Finding['level'], one: string, many: string) =>
    `${count(level)} ${count(level) === 1 ? one : many}`
  const text = [
    counted('problem', 'problem', 'problems'),
    counted('warning', 'warning', 'warnings'),
    `${count('skipped')} skipped`,
    `${count('ok')} in order`,
  ].join(', ')
  const format = count('problem') > 0 ? 'red' : count('warning') > 0 ? 'yellow' : 'green'
  return colour(format, text, process.stdout)
}
