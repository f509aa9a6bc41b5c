import { scenarios, type Scenario } from '@seedbed/core'
import { badge } from '@seedbed/environments'
import { colour, endWithReader, print, printJson } from './print.js'

/** Prints what every combination of what can be said leads to, a line for those that lead to the same. */
export async function scenariosCommand(folder: string, { json }: { json?: boolean }): Promise<void> {
  endWithReader()
  const found = await scenarios({ folder })
  if (json) return printJson(found)
  for (const each of found) print(`${outcomeOf(each)}  ⇐  ${combinationsOf(each)}`)
}

function outcomeOf({ environment, places, reason, error }: Scenario): string {
  const refused = error === null ? '' : colour('red', error, process.stdout)
  if (!environment) return refused
  const where = error === null ? places.join(' ') || 'databases that are made for the run' : refused
  return `${badge(environment)} ${environment.name}: ${where} (${reason})`
}

function combinationsOf({ said, combinations }: Scenario): string {
  const parts = Object.entries(said).map(([name, values]) => `${name}: ${values.join(' or ')}`)
  return `${parts.length === 0 ? 'whatever is said' : parts.join(', ')} (${combinations})`
}
