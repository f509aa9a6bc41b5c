import type { Refusal } from '@seedbed/environments'
import { applyVariables } from './apply-variables.js'
import { connectionVariables } from './connection-variables.js'

const outsideKey = Symbol.for('seedbed.outside')
type Holder = typeof globalThis & { [outsideKey]?: NodeJS.ProcessEnv }

/**
 * A URL that reaches nothing and explains itself: its host is the folder of a unix socket that does not exist, so a
 * driver fails at once, without a name to look up or a port to try, with an error like "connect ENOENT
 * /seedbed: DATABASE_URL is set inside test files only/.s.PGSQL.5432".
 */
const refusingUrl = `postgresql://nobody@${encodeURIComponent('/seedbed: DATABASE_URL is set inside test files only')}/refused`

/**
 * From here on DATABASE_URL and PG* in this process reach nothing. The runner's main process and everything it starts
 * inherit that; only a worker sets them again. What stood there before is kept for reading the config. Called twice it
 * changes nothing.
 */
export function refuseConnections(): void {
  replace({ ...connectionVariables(refusingUrl, {}), PGPASSWORD: null })
}

/** The same for variables that lead to a protected environment: migrations and seeds run in this process, too. */
export function refuseVariables(refusals: readonly Refusal[]): void {
  replace(Object.fromEntries(refusals.map(({ variable, value }) => [variable, value])))
}

/**
 * Both, until it is disposed of: for functions that a program of the user's calls, which goes on with its own variables.
 *
 * @example using _ = refuseMeanwhile(refusalsOf(asked)())
 */
export function refuseMeanwhile(refusals: readonly Refusal[]): Disposable {
  const known = new Set(Object.keys(outside()))
  refuseConnections()
  refuseVariables(refusals)
  return {
    [Symbol.dispose]() {
      for (const name of Object.keys(outside()).filter(each => !known.has(each))) {
        applyVariables(process.env, { [name]: outside()[name] ?? null })
        delete outside()[name]
      }
    },
  }
}

/**
 * Runs `read` with the environment as it was before: a config may say
 * `environments: { test: { url: process.env.DATABASE_URL } }` on purpose.
 */
export async function withOutsideEnvironment<Result>(read: () => Promise<Result>): Promise<Result> {
  // The config of a test run is read in test.
  const names = Object.keys(outside()).filter(name => name !== 'ENVIRONMENT' && name !== 'NODE_ENV')
  const refusing = Object.fromEntries(names.map(name => [name, process.env[name] ?? null]))
  applyVariables(process.env, Object.fromEntries(names.map(name => [name, outside()[name] ?? null])))
  try {
    return await read()
  } finally {
    applyVariables(process.env, refusing)
  }
}

/** The variables of this process as they were before. */
export function outsideVariables(): NodeJS.ProcessEnv {
  return { ...process.env, ...outside() }
}

/** What was in this process's environment where something else is now. */
function outside(): NodeJS.ProcessEnv {
  const holder: Holder = globalThis
  return (holder[outsideKey] ??= {})
}

/** What was replaced before stays as it is now: it refuses, or a worker has set it. */
function replace(variables: Record<string, string | null>): void {
  const others = Object.entries(variables).filter(([name]) => !(name in outside()))
  for (const [name] of others) outside()[name] = process.env[name]
  applyVariables(process.env, Object.fromEntries(others))
}
