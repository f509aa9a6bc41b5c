import {
  placeOf,
  requireConsent,
  resolveEnvironment,
  SeedbedError,
  type EnvironmentsConfig,
  type ResolvedEnvironment,
} from '@seedbed/environments'
import { askedIn, type InProject } from './asked-in.js'
import { environmentCommandErrors } from './errors.js'
import { mergeCombinations } from './merge-combinations.js'
import { madeUpAddresses, waysToSay, type Said } from './ways-to-say.js'

/** Where one or more combinations of what can be said lead. */
export interface Scenario extends Outcome {
  /**
   * Which combinations, by what is said with, such as `{ ENVIRONMENT: ['staging'], terminal: ['no'] }`: each of the values with
   * each of the others. What is left out makes no difference to them.
   */
  said: Record<string, string[]>
  /** How many combinations these are. */
  combinations: number
}

interface Outcome {
  /** Null where none can be chosen. */
  environment: Pick<ResolvedEnvironment, 'name' | 'tier' | 'badge'> | null
  /** Where its databases are: `db.example.com:5432/shop`; with made-up hosts, which are called as the variables of the config. */
  places: string[]
  /** Which rule has decided. */
  reason: string | null
  /** The code with which an application is refused: PRODUCTION_NOT_CHOSEN, … */
  error: string | null
}

/** As many can be gone through while somebody waits. */
const most = 300_000

/**
 * Every combination of what can be said to a project's application, with the environment that it is led to: the command line,
 * selection flags, variables, npm scripts, branches, platforms, what consents, with and without a terminal, a CI and a test
 * runner. Of flags, and of platforms, no more than two at once: three say no more. Combinations with the same outcome stand
 * together, and each stands in one place only. It connects to nothing, and this machine's variables do not count.
 *
 * @throws SeedbedError SCENARIOS_TOO_MANY, ENVIRONMENTS_MISCONFIGURED, and what reading a config throws: CONFIG_CANNOT_LOAD, …
 * @example
 * const live = (await scenarios({ folder: process.cwd() })).filter(({ environment }) => environment?.tier === 'production')
 */
export async function scenarios(options: InProject): Promise<Scenario[]> {
  return scenariosOf((await askedIn(options)).config)
}

/** The same for a config at hand; pure. */
export function scenariosOf(config: EnvironmentsConfig<string>): Scenario[] {
  const ways = waysToSay(config)
  const combinations = ways.reduce((product, { values }) => product * values.length, 1)
  if (combinations > most) throw environmentCommandErrors.SCENARIOS_TOO_MANY({ combinations, most })
  const addresses = madeUpAddresses(config)
  const merged = mergeCombinations(
    ways.map(({ values }) => values),
    said => outcomeOf(config, { ...addresses }, said),
  )
  return merged.map(({ chosen, outcome }) => {
    const said = ways.map(
      ({ name, values }, way) => [name, values.filter((_, index) => chosen[way]!.has(index))] as const,
    )
    const telling = said.filter(([, values], way) => values.length < ways[way]!.values.length)
    return {
      said: Object.fromEntries(telling.map(([name, values]) => [name, values.map(({ text }) => text)])),
      combinations: chosen.reduce((product, values) => product * values.size, 1),
      ...outcome,
    }
  })
}

function outcomeOf(config: EnvironmentsConfig<string>, addresses: Record<string, string>, said: Said[]): Outcome {
  const variables = Object.assign(addresses, ...said.map(each => each.variables)) as Record<string, string>
  const { flag, branch, terminal = false } = Object.assign({}, ...said) as Said
  let environment: Outcome['environment'] = null
  let [places, reason]: [string[], string | null] = [[], null]
  try {
    const resolved = resolveEnvironment({ config, variables, flag, branch })
    const { name, tier, badge, databases } = resolved
    environment = { name, tier, badge }
    reason = resolved.reason
    requireConsent(resolved, { config, variables, terminal })
    places = Object.values(databases).map(address => placeOf(address!.url))
    return { environment, places, reason, error: null }
  } catch (error) {
    if (!(error instanceof SeedbedError)) throw error
    return { environment, places, reason, error: error.code }
  }
}
