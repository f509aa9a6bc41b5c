import {
  readEnvFile,
  refusalsOf,
  resolveEnvironment,
  type Refusal,
  type ResolvedEnvironment,
  type ResolveInput,
} from '@seedbed/environments'
import type { LoadedConfig } from '../config/load-config.js'

/** What a run has to know of the environments. Of a protected one it is all from the config: a run connects to none. */
export interface TestEnvironment {
  /** What it is called in this project: a badge may say INT. */
  environment: Pick<ResolvedEnvironment, 'name' | 'badge'>
  /** Which rule has chosen it: `Vitest`. */
  reason: string
  /** The URL of `environments.test`: its server is the run's. Undefined where Seedbed starts one. */
  testUrl: string | undefined
  /** Variables that lead to a protected environment, and what tests get in their place. */
  refusals: Refusal[]
  /** What was said of another environment, and is not followed. */
  notes: string[]
  /** What all of it was made of. */
  input: ResolveInput<string>
}

/**
 * Where the tests of a project run, and what they must not reach.
 *
 * @param variables those from before `refuseConnections`
 * @throws SeedbedError of @seedbed/environments, such as ENVIRONMENTS_SHARE_DATABASE: the run must not start then
 */
export function testEnvironment({ folder, config }: LoadedConfig, variables: NodeJS.ProcessEnv): TestEnvironment {
  const envFile = readEnvFile(folder)
  const input: ResolveInput<string> = { config, variables, envFile, purpose: 'run' }
  const { name, badge, databases, notes, reason } = resolveEnvironment(input)
  return {
    environment: { name, badge },
    testUrl: databases[config.databases?.[0] ?? 'main']?.url,
    notes,
    reason,
    refusals: refusalsOf(input)(),
    input,
  }
}

/** What a run says of it before it starts: which settings are not followed, and which variables refuse. */
export function environmentLines({ notes, refusals }: Pick<TestEnvironment, 'notes' | 'refusals'>): string[] {
  const environments = new Set(refusals.map(({ environment }) => environment))
  const variablesOf = (environment: string) => refusals.filter(each => each.environment === environment)
  const refused = [...environments].map(environment => {
    const names = variablesOf(environment).map(({ variable }) => variable)
    return `${environment} is out of reach: in tests ${names.join(', ')} refuse${names.length === 1 ? 's' : ''}`
  })
  return [...notes, ...refused]
}

/** Where a command is going to work. */
export interface TestPlace {
  environment: TestEnvironment['environment']
  /** `postgresql://app@localhost:5432/test`, or which kind of server it will be. */
  server: string
}
