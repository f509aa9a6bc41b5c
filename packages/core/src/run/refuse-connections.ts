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
  const holder: Holder = globalThis
  if (holder[outsideKey]) return
  const { ENVIRONMENT, NODE_ENV, ...refusing } = connectionVariables(refusingUrl, {})
  holder[outsideKey] = Object.fromEntries(Object.keys(refusing).map(name => [name, process.env[name]]))
  applyVariables(process.env, { ...refusing, PGPASSWORD: null, ENVIRONMENT: ENVIRONMENT!, NODE_ENV: NODE_ENV! })
}

/**
 * Runs `read` with the environment as it was before `refuseConnections`: a config may say
 * `environments: { test: { url: process.env.DATABASE_URL } }` on purpose.
 */
export async function withOutsideEnvironment<Result>(read: () => Promise<Result>): Promise<Result> {
  const outside = (globalThis as Holder)[outsideKey]
  if (!outside) return read()
  const refusing = Object.fromEntries(Object.keys(outside).map(name => [name, process.env[name] ?? null]))
  applyVariables(process.env, Object.fromEntries(Object.entries(outside).map(([name, value]) => [name, value ?? null])))
  try {
    return await read()
  } finally {
    applyVariables(process.env, refusing)
  }
}
