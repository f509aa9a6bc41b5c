import type { WorkerDatabase } from './run-handle.js'

/**
 * The main process computes the variables of a worker, since the config's `variables` is a function and cannot cross to
 * it; the port of a worker's sandbox is known only once it listens. Until then this one stands for it.
 */
const portToCome = '61799'

/** The URL of a sandbox of the same role and database, with a port that is still to come. */
export function sandboxUrl({ url, password }: Pick<WorkerDatabase, 'url' | 'password'>): string {
  const { username, pathname } = new URL(url)
  return `postgresql://${username}:${password}@127.0.0.1:${portToCome}${pathname}`
}

/** The variables of a worker whose sandbox listens on this port. */
export function variablesAt(port: number, variables: WorkerDatabase['variables']): WorkerDatabase['variables'] {
  const everywhere = new RegExp(`\\b${portToCome}\\b`, 'g')
  const there: WorkerDatabase['variables'] = {}
  for (const name in variables) there[name] = variables[name]?.replace(everywhere, String(port)) ?? null
  return there
}
