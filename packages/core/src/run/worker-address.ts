import type { WorkerDatabase } from './run-handle.js'

/**
 * The main process computes the variables of a worker, since the config's `variables` is a function and cannot cross to
 * it; where a worker's sandbox listens, and its password, is known only once it does. Until then these stand for them.
 */
const unknownYet = { port: '61799', password: 'the-password-of-the-sandbox' }

/** The URL of a sandbox of the same role and database, with what is not known yet. */
export function sandboxUrl(databaseUrl: string): string {
  const { username, pathname } = new URL(databaseUrl)
  return `postgresql://${username}:${unknownYet.password}@127.0.0.1:${unknownYet.port}${pathname}`
}

/** The variables of a worker whose sandbox has this URL. */
export function variablesAt(url: string, variables: WorkerDatabase['variables']): WorkerDatabase['variables'] {
  const { port, password } = new URL(url)
  const anyPort = new RegExp(`\\b${unknownYet.port}\\b`, 'g')
  const entries = Object.entries(variables)
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      value && value.replaceAll(anyPort, port).replaceAll(unknownYet.password, password),
    ]),
  )
}
