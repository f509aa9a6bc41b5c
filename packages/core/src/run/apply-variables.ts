import type { WorkerDatabase } from './run-handle.js'

/** Sets and unsets them in an environment. */
export function applyVariables(environment: NodeJS.ProcessEnv, variables: WorkerDatabase['variables']): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === null) delete environment[name]
    else environment[name] = value
  }
}
