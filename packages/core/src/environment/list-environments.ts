import {
  chooseEnvironment,
  configuredEnvironment,
  configuredEnvironments,
  printableUrl,
  type ConfiguredEnvironment,
} from '@seedbed/environments'
import { askedIn, problemOf, type InProject, type Problem } from './asked-in.js'

/** An environment as its config has it. It holds no password. */
export interface EnvironmentView extends Omit<ConfiguredEnvironment, 'databases'> {
  /** Of `test` without a URL there is none under a test runner: they are made when a run starts. */
  databases: DatabaseView[]
}

export interface DatabaseView {
  /** The base name: `main`. */
  database: string
  /** `postgresql://app@db.example.com/shop`; null if nothing says it. */
  url: string | null
  /** Why there is none, and which variable to set. */
  missing: Problem | null
}

/**
 * Every environment of a project's config, and `test`. It connects to none.
 *
 * @throws SeedbedError ENVIRONMENTS_MISCONFIGURED, and what reading a config throws: CONFIG_CANNOT_LOAD, …
 * @example for (const { name, tier } of await listEnvironments({ folder: process.cwd() })) console.log(name, tier)
 */
export async function listEnvironments(options: InProject): Promise<EnvironmentView[]> {
  return configuredEnvironments(await askedIn(options)).map(viewOf)
}

/**
 * One environment of a project's config. It connects to none.
 *
 * @param options.name its name or an alias @default the one that is chosen here
 * @returns `reason`: in a few words, why it is the one that is chosen; null if it was named
 * @throws SeedbedError ENVIRONMENT_UNKNOWN, ENVIRONMENT_CONTRADICTION, PRODUCTION_NOT_CHOSEN, and what `listEnvironments` throws
 * @example const { databases } = await showEnvironment({ folder: process.cwd(), name: 'staging' })
 */
export async function showEnvironment({
  name,
  ...options
}: InProject & { name?: string | undefined }): Promise<EnvironmentView & { reason: string | null }> {
  const asked = await askedIn(options)
  const chosen = name === undefined ? chooseEnvironment(asked) : undefined
  const named = chosen?.name ?? name!
  const view = viewOf(configuredEnvironment(named, `seedbed env show ${named}`, asked))
  return { ...view, notes: [...(chosen?.notes ?? []), ...view.notes], reason: chosen?.reason ?? null }
}

/** What may be printed of an environment. */
export function viewOf({ databases, ...environment }: ConfiguredEnvironment): EnvironmentView {
  return {
    ...environment,
    databases: Object.entries(databases).map(([database, address]) =>
      'missing' in address
        ? { database, url: null, missing: problemOf(address.missing) }
        : { database, url: printableUrl(address.url), missing: null },
    ),
  }
}
