import type { WorkerDatabase } from '../run/run-handle.js'
import type { Scope } from './scope.js'

/** Unset by us. Set, they lead a connection that names no such thing itself to another server, or make it fail. */
const redirecting = new Set(['PGHOSTADDR', 'PGSERVICE', 'PGOPTIONS', 'PGSSLMODE'])

/** Refuses a test if a variable that decides where it connects is not as it was set; it may well set the others. */
export function variableCheck({
  variables,
}: WorkerDatabase): (scope: Scope, environment: NodeJS.ProcessEnv) => Promise<void> | undefined {
  const all = Object.entries(variables)
    .filter(([name]) => name === 'DATABASE_URL' || name.startsWith('PG'))
    .map(([name, value]) => [name, value ?? undefined] as const)
  // Reading forty variables costs as much as a round trip: all of them at a file's or suite's first test, after that
  // only those that send a connection elsewhere.
  const decisive = all.filter(([name, value]) => value !== undefined || redirecting.has(name))
  let lookAtAll = true
  return (scope, environment) => {
    const looked = lookAtAll ? all : decisive
    lookAtAll = scope.kind !== 'test'
    if (scope.kind !== 'test') return undefined
    for (const [name, value] of looked) if (environment[name] !== value) return refuse(name, environment[name])
    return undefined
  }
}

async function refuse(name: string, value: string | undefined): Promise<void> {
  const { refuseChangedVariable } = await import('./refusals.js')
  refuseChangedVariable(name, value)
}
