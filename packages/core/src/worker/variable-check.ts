import type { WorkerDatabase } from '../run/run-handle.js'
import type { Scope } from './scope.js'

/** Unset by us. Set, they lead a connection that names no such thing itself to another server, or make it fail. */
const redirecting = new Set(['PGHOSTADDR', 'PGSERVICE', 'PGOPTIONS', 'PGSSLMODE'])

/** Refuses a test if a variable that decides where it connects is not as it was set; it may well set the others. */
export function variableCheck({
  variables,
}: WorkerDatabase): (scope: Scope, environment: NodeJS.ProcessEnv) => Promise<void> | undefined {
  let lookAtAll = true
  return (scope, environment) => {
    const isFirst = lookAtAll
    lookAtAll = scope.kind !== 'test'
    if (lookAtAll) return undefined
    for (const name in variables) {
      const value = variables[name] ?? undefined
      // Reading forty variables costs as much as a round trip: all of them at a file's or suite's first test, after that
      // only those that send a connection elsewhere.
      if (!isFirst && value === undefined && !redirecting.has(name)) continue
      if (name !== 'DATABASE_URL' && !name.startsWith('PG')) continue
      if (environment[name] !== value) return refuse(name, environment[name])
    }
    return undefined
  }
}

async function refuse(name: string, value: string | undefined): Promise<void> {
  const { refuseChangedVariable } = await import('./refusals.js')
  refuseChangedVariable(name, value)
}
