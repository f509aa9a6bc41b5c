import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { runnerOf } from '../resolve/runner.js'
import { applyVariables, connectionVariables } from '../variables/connection-variables.js'
import { refusalsOf, type Refusal } from '../variables/refusals.js'
import { openEnvironment } from './database-url.js'

/**
 * Sets DATABASE_URL and PG* of this process to the database that its environment has, and replaces every variable that leads to
 * a protected environment that was not chosen. From then on those variables cannot be set to anything else, as `dotenv` does
 * with `override`, nor any other to what leads to a protected environment. Standard error says where the process goes, and why.
 *
 * @throws SeedbedError as `databaseUrl`: the process must not go on then
 * @example protectProcess()
 */
export function protectProcess(): void {
  if (runnerOf(process.env)) return
  const { asked, environment, url } = openEnvironment({})
  const refusalsIn = refusalsOf(asked, environment.name)
  const refused = refusalsIn()
  const address = connectionVariables(url)
  for (const { variable, value } of refused) process.env[variable] = value
  applyVariables(address)
  holdVariables(address, refusalsIn)

  const { badge, name, databases, reason, notes } = environment
  say(
    `[${badge.label}] ${name}: ${Object.values(databases)
      .map(address => address?.database)
      .join(', ')} (${reason})`,
  )
  for (const note of notes) say(note)
  for (const { variable, environment } of refused) say(`${variable} leads to ${environment}: it refuses here`)
}

function holdVariables(
  address: Record<string, string | null>,
  refusalsIn: (variables: NodeJS.ProcessEnv, names: string[]) => Refusal[],
): void {
  process.env = new Proxy(process.env, {
    set(target, variable, given) {
      const name = String(variable)
      const value = String(given)
      const [refusal] = refusalsIn({ ...target, [name]: value }, [name])
      if (refusal) say(`${name} was to lead to ${refusal.environment}: it is left as it was`)
      else if (!Object.hasOwn(address, name)) target[name] = value
      else if (value !== address[name]) say(`${name} is left as it was: it is a part of where this process goes`)
      return true
    },
  })
  // Node's own writes past the proxy.
  process.loadEnvFile = (path = '.env') => {
    for (const [name, value] of Object.entries(parseEnv(readFileSync(path, 'utf8')))) {
      if (process.env[name] === undefined) process.env[name] = value
    }
  }
}

function say(line: string): void {
  process.stderr.write(`seedbed  ${line}\n`)
}
