import {
  environmentStatus,
  sizeInWords,
  type DatabaseStatus,
  type EnvironmentStatus,
  type EnvironmentsStatus,
} from '@seedbed/core'
import { badge } from '@seedbed/environments'
import { headOf } from './env-command.js'
import { colour, plain, print, printJson } from './print.js'

/**
 * Prints how every environment is, and which one would be used here.
 *
 * @returns the exit code: 1 if that one cannot be used or reached
 */
export async function statusCommand(folder: string, { env, json }: { env?: string; json?: boolean }): Promise<number> {
  const status = await environmentStatus({ folder, environment: env })
  if (json) printJson(status)
  else for (const line of linesOf(status)) print(line)
  const { chosen, environments } = status
  const used = environments.find(({ name }) => name === chosen.name)
  const isReachable = used?.databases.every(({ reachable }) => reachable !== false) ?? false
  return chosen.problem === null && isReachable ? 0 : 1
}

function linesOf({ chosen, environments }: EnvironmentsStatus): string[] {
  const used = environments.find(({ name }) => name === chosen.name)
  const { problem } = chosen
  return [
    ...(used
      ? [`${badge(used)} ${colour('bold', used.name, process.stdout)} would be used here: ${chosen.reason}`]
      : []),
    ...(problem ? [colour('red', `${problem.message} ${problem.hint} (${problem.code})`, process.stdout)] : []),
    ...chosen.notes.map(note => colour('yellow', note, process.stdout)),
    '',
    ...environments.flatMap(environmentLines),
  ]
}

function environmentLines(environment: EnvironmentStatus): string[] {
  const start = headOf(environment)
  const { databases, tier, notes } = environment
  if (databases.length === 0) return [`${start}  ${tier} · its databases are made when a run starts`]
  return [
    ...databases.map(each => `${start} ${each.database}  ${[tier, ...factsOf(each)].join(' · ')}`),
    ...notes.map(note => `${start}  ${colour('yellow', note, process.stdout)}`),
  ]
}

function factsOf({ url, missing, reachable, problem, marker, schemaVersion, bytes }: DatabaseStatus): string[] {
  const said = (format: 'green' | 'yellow' | 'red', text: string) => colour(format, plain(text), process.stdout)
  if (missing) return [said('yellow', `${missing.message} ${missing.hint}`)]
  if (!marker) return [url!, said(reachable === null ? 'yellow' : 'red', problem!)]
  const isOurs = marker.whose === 'ours'
  return [
    url!,
    'reachable',
    said(
      isOurs ? 'green' : 'yellow',
      `marker: ${marker.whose}${marker.problem === null ? '' : ` (${marker.problem})`}`,
    ),
    ...(isOurs ? [plain(`schema: ${schemaVersion ?? 'not recorded'}`)] : []),
    sizeInWords(bytes!),
  ]
}
