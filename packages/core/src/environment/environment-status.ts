import {
  attempt,
  chooseEnvironment,
  configuredEnvironment,
  configuredEnvironments,
  everyDatabase,
  placeOf,
  resolveEnvironment,
  runnerOf,
  SeedbedError,
  type AskedHere,
  type ConfiguredEnvironment,
} from '@seedbed/environments'
import type { MarkerReading } from '@seedbed/environments/guard'
import { askedIn, problemOf, type InProject, type Problem } from './asked-in.js'
import { viewOf, type DatabaseView, type EnvironmentView } from './list-environments.js'

/** Where a project's environments are, and how they are. It holds no password. */
export interface EnvironmentsStatus {
  chosen: ChosenEnvironment
  /** Those of the config, and the chosen one if it is a branch's. */
  environments: EnvironmentStatus[]
}

export interface ChosenEnvironment {
  /** Null where none can be chosen. */
  name: string | null
  /** Which rule has decided: `ENVIRONMENT=staging`. */
  reason: string | null
  /** What was not followed, and where an application would go if that is elsewhere. */
  notes: string[]
  /** Why it cannot be used: nothing says where it is, two environments share a database, … */
  problem: Problem | null
}

export interface EnvironmentStatus extends Omit<EnvironmentView, 'databases'> {
  databases: DatabaseStatus[]
}

export interface DatabaseStatus extends DatabaseView {
  /** Null if it was not tried: nothing says where it is, or it is protected and this is a test run. */
  reachable: boolean | null
  /** Why it was not reached, or not tried. */
  problem: string | null
  /** How the guard reads the marker; null if it was not reached. */
  marker: {
    whose: MarkerReading['whose']
    problem: string | null
    markedAt: string | null
    markedBy: string | null
  } | null
  /** What the marker says, if it is the right one. */
  schemaVersion: string | null
  bytes: number | null
}

/** A server that is there answers sooner, and nobody waits longer for one that is not. */
export const answerWithin = 3_000

/**
 * Looks at every environment of a project, all at once, and says which one would be used here and why. It changes nothing in any
 * database. Protected ones whose marker is right are remembered in the project. Under a test runner none of them is connected to.
 *
 * @param options.environment the name that the command line gives
 * @throws SeedbedError ENVIRONMENTS_MISCONFIGURED, ENVIRONMENT_URL_INVALID, and what reading a config throws: CONFIG_CANNOT_LOAD, …
 * @example const { chosen, environments } = await environmentStatus({ folder: process.cwd() })
 */
export async function environmentStatus({
  environment,
  ...options
}: InProject & { environment?: string | undefined }): Promise<EnvironmentsStatus> {
  const asked = await askedIn(options, environment)
  const chosen = chosenIn(asked)
  const configured = configuredEnvironments(asked)
  if (chosen.name !== null && !configured.some(({ name }) => name === chosen.name)) {
    configured.push(configuredEnvironment(chosen.name, chosen.reason ?? '', asked))
  }
  return { chosen, environments: await statusesOf(configured, asked) }
}

/** The same of these environments only. */
export async function statusesOf(
  environments: readonly ConfiguredEnvironment[],
  asked: AskedHere<string>,
): Promise<EnvironmentStatus[]> {
  const isRefused = refusedHere(asked)
  return Promise.all(environments.map(each => statusOf(each, asked, isRefused)))
}

function chosenIn(asked: AskedHere<string>): ChosenEnvironment {
  try {
    const { name, reason, notes } = chooseEnvironment(asked)
    const application = attempt(() => chooseEnvironment({ ...asked, purpose: 'application' }))
    const isElsewhere = !(application instanceof SeedbedError) && application.name !== name
    const note = isElsewhere ? [`an application goes to ${application.name} here: ${application.reason}`] : []
    const resolved = attempt(() => resolveEnvironment(asked))
    // A test run makes its databases.
    const isMissing = resolved instanceof SeedbedError && resolved.code !== 'TEST_WITHOUT_URL'
    return { name, reason, notes: [...notes, ...note], problem: isMissing ? problemOf(resolved) : null }
  } catch (error) {
    if (!(error instanceof SeedbedError)) throw error
    return { name: null, reason: null, notes: [], problem: problemOf(error) }
  }
}

/**
 * Under a test runner whatever leads to a protected database is left alone, under whatever name the config has it.
 *
 * @returns says of a URL why it must not be connected to here, if so
 */
export function refusedHere(asked: AskedHere<string>): (url: string) => string | undefined {
  const runner = runnerOf(asked.variables)
  if (runner === undefined) return () => undefined
  const places = everyDatabase(asked)
    .filter(each => each.protected)
    .map(({ environment, url }) => [placeOf(url), environment] as const)
  const closed = new Map(places)
  return url => {
    const environment = closed.get(placeOf(url))
    return environment && `under ${runner} nothing connects to ${environment}`
  }
}

async function statusOf(
  environment: ConfiguredEnvironment,
  asked: AskedHere<string>,
  refusedHere: (url: string) => string | undefined,
): Promise<EnvironmentStatus> {
  const view = viewOf(environment)
  return {
    ...view,
    databases: await Promise.all(
      view.databases.map(async database => {
        const address = environment.databases[database.database]!
        if ('missing' in address) return { ...database, ...notTried(database.missing!.message) }
        const refused = refusedHere(address.url)
        return { ...database, ...(refused ? notTried(refused) : await look(environment, database, address.url, asked)) }
      }),
    ),
  }
}

type Found = Omit<DatabaseStatus, keyof DatabaseView>

const notTried = (problem: string): Found => ({
  ...{ reachable: null, problem, marker: null, schemaVersion: null, bytes: null },
})

async function look(
  environment: ConfiguredEnvironment,
  { database }: DatabaseView,
  url: string,
  { config, folder }: AskedHere<string>,
): Promise<Found> {
  const { name, tier } = environment
  const inspected = { environment: name, tier, protected: environment.protected, database, url }
  const { inspectDatabase } = await import('@seedbed/environments/guard')
  try {
    const { bytes, reading } = await inspectDatabase(inspected, { config, folder, limit: answerWithin })
    const { whose, problem, marker } = reading
    return {
      ...{ reachable: true, problem: null, bytes },
      marker: { whose, problem, markedAt: marker?.markedAt ?? null, markedBy: marker?.markedBy ?? null },
      schemaVersion: marker?.schemaVersion ?? null,
    }
  } catch (error) {
    if (!(error instanceof SeedbedError)) throw error
    // Without a project's name there is nothing to compare a marker with, and no need to connect.
    return {
      ...notTried(problemOf(error).message),
      ...(unreachable.has(error.code) && { reachable: false }),
    }
  }
}

const unreachable = new Set(['GUARD_CONNECTION_FAILED', 'GUARD_DATABASE_MISSING'])
