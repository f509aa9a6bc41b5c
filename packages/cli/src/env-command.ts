import { listEnvironments, showEnvironment, type EnvironmentView } from '@seedbed/core'
import { badge } from '@seedbed/environments'
import { colour, print, printJson } from './print.js'

/** Prints every environment of the config: a line for each of its databases. It connects to none. */
export async function envListCommand(folder: string, { json }: { json?: boolean }): Promise<void> {
  const environments = await listEnvironments({ folder })
  if (json) return printJson(environments)
  for (const environment of environments) for (const line of databaseLines(environment)) print(line)
}

/** Prints all that the config says of one environment. It connects to none. */
export async function envShowCommand(
  folder: string,
  name: string | undefined,
  { json }: { json?: boolean },
): Promise<void> {
  const environment = await showEnvironment({ folder, name })
  if (json) return printJson(environment)
  const { tier, aliases, reason, notes } = environment
  const facts = [
    `tier ${tier}`,
    ...(aliases.length > 0 ? [`also called ${aliases.join(', ')}`] : []),
    ...(reason === null ? [] : [`chosen here: ${reason}`]),
  ]
  print(`${headOf(environment)}  ${facts.join(' · ')}`)
  for (const line of databaseLines(environment)) print(line)
  for (const note of notes) print(colour('yellow', note, process.stdout))
}

/** A line for each database: where it is, or why that is unknown and what to do. */
function databaseLines(environment: EnvironmentView): string[] {
  const start = headOf(environment)
  if (environment.databases.length === 0) return [`${start}  its databases are made when a run starts`]
  return environment.databases.map(({ database, url, missing }) => {
    const where = url ?? colour('yellow', `${missing!.message} ${missing!.hint}`, process.stdout)
    return `${start} ${database}  ${where}`
  })
}

/** `[PROD] production (protected)`. */
export const headOf = (environment: Pick<EnvironmentView, 'badge' | 'name' | 'protected'>) =>
  `${badge(environment)} ${environment.name}${environment.protected ? ' (protected)' : ''}`
