import {
  chooseEnvironment,
  configuredEnvironment,
  configuredEnvironments,
  printableUrl,
  SeedbedError,
  type AskedHere,
  type ConfiguredEnvironment,
  type Tier,
} from '@seedbed/environments'
import { problemOf, type Problem } from '../environment/asked-in.js'
import type { InEnvironment } from '../environment/in-environment.js'
import { namedEnvironment } from '../environment/named-environment.js'
import { noMigrations } from '../migrations/plan-migrations.js'
import { askFor, type Asking } from './confirm.js'
import { prepareErrors } from './errors.js'
import { openSources } from './open-sources.js'
import type { PreparedDatabase, PrepareSources, PrepareWishes } from './prepare-database.js'
import { prepareRun, type PreparedRun } from './prepare-run.js'

interface Wishes extends InEnvironment, Asking {
  /** Is given what takes its time, with a name, and waits for it. */
  during?: PrepareWishes['during']
}

export interface PrepareOptions extends Wishes {
  /** Every environment of the config that has a URL, and test. One that fails does not stop the others, but for production. */
  all?: boolean
  /** Empty it first. Where nobody keeps anything, in test, it is emptied whenever it is not as its seeds leave it. */
  fresh?: boolean
  /** The database has tables and no notes of migrations: note that it has had all up to this one. */
  baseline?: string | undefined
  /** For test: how many worker databases shall wait. @default one a core, the most that a runner takes by itself */
  workers?: number
}

export type ResetBareOptions = Wishes

export interface PreparedEnvironment {
  environment: string
  tier: Tier
  databases: PreparedDatabase[]
  /** Of test: what the next run finds ready. */
  run: PreparedRun | null
  /** Why it is not ready; of one of several. */
  problem: Problem | null
}

/**
 * Makes environments ready: databases that are missing are created, migrations that are pending run, what is new gets the seeds, and
 * the project's own steps run. For test, the server, the template and the worker databases of the next run are made ready, too. What
 * is ready already is left alone, and nothing is written then.
 *
 * Production gets its migrations and nothing else, after somebody has consented: it is never emptied and never seeded.
 *
 * @throws SeedbedError what the guard refuses, PRODUCTION_WITHOUT_CONSENT, RESET_UNCONFIRMED, DATABASE_NOT_CREATED, STEP_FAILED,
 *   MIGRATIONS_UNRECORDED, MIGRATION_UNFINISHED, SCHEMA_FILE_CHANGED, and what migrations and seeds throw
 * @example
 * const [test] = await prepare({ folder: process.cwd(), environment: 'test', workers: 4 })
 * console.log(test.databases, test.run?.template)
 */
export async function prepare(options: PrepareOptions): Promise<PreparedEnvironment[]> {
  using project = await openSources(options)
  const { asked } = project
  if (!options.all) {
    const { environment, isNamed } = chosen(asked, options.environment)
    return [await prepareOne(environment, project, options, isNamed)]
  }
  const prepared: PreparedEnvironment[] = []
  for (const environment of everyOne(asked)) {
    const { name, tier } = environment
    const failed = prepared.find(each => each.problem !== null)
    if (tier === 'production' && failed) {
      const skipped = prepareErrors.PRODUCTION_SKIPPED({ environment: name, failed: failed.environment })
      prepared.push({ environment: name, tier, databases: [], run: null, problem: problemOf(skipped) })
      continue
    }
    const done = await prepareOne(environment, project, options, true).catch((error: unknown) => {
      if (!(error instanceof SeedbedError)) throw error
      return { environment: name, tier, databases: [], run: null, problem: problemOf(error) }
    })
    prepared.push(done)
  }
  return prepared
}

/**
 * Empties the databases of an environment and runs all migrations: the schema alone, without seeds and steps. The next `prepare`
 * adds them. Protected environments are refused by the guard, and outside of test somebody has to confirm it.
 *
 * @throws SeedbedError GUARD_PROTECTED, RESET_UNCONFIRMED, RESET_FAILED, and what `prepare` throws
 * @example await resetBare({ folder: process.cwd(), environment: 'development', yes: true })
 */
export async function resetBare(options: ResetBareOptions): Promise<PreparedDatabase[]> {
  using project = await openSources(options)
  const { environment } = chosen(project.asked, options.environment)
  return await prepareDatabases(environment, project, { ...options, fresh: true }, { bare: true, isNamed: true })
}

function chosen(asked: AskedHere<string>, name: string | undefined) {
  const { name: environment, reason } = chooseEnvironment(asked)
  return { environment: configuredEnvironment(environment, reason, asked), isNamed: name !== undefined }
}

/** Production last: it is not touched if another one has failed. */
function everyOne(asked: AskedHere<string>): ConfiguredEnvironment[] {
  const order: Tier[] = ['test', 'development', 'staging', 'production']
  return configuredEnvironments(asked)
    .filter(({ name, databases }) => name === 'test' || Object.values(databases).some(each => !('missing' in each)))
    .toSorted((a, b) => order.indexOf(a.tier) - order.indexOf(b.tier))
}

async function prepareOne(
  configured: ConfiguredEnvironment,
  project: PrepareSources,
  options: PrepareOptions,
  isNamed: boolean,
): Promise<PreparedEnvironment> {
  const { name, tier } = configured
  const isTest = name === 'test'
  const hasOwn = !(isTest && isMadeByRuns(configured))
  const databases = !hasOwn ? [] : await prepareDatabases(configured, project, options, { isNamed })
  const { workers, begin, progress } = options
  const run = isTest
    ? await prepareRun({
        folder: project.folder,
        ...(workers !== undefined && { workers }),
        ...(begin && !hasOwn && { begin }),
        ...(progress && { progress }),
      })
    : null
  return { environment: name, tier, databases, run, problem: null }
}

/** Without a URL of its own; one that is wrong is another thing. */
const isMadeByRuns = ({ databases }: ConfiguredEnvironment) =>
  Object.values(databases).every(each => 'missing' in each && each.missing.code === 'TEST_WITHOUT_URL')

async function prepareDatabases(
  configured: ConfiguredEnvironment,
  project: PrepareSources,
  options: Omit<PrepareOptions, 'all'>,
  { bare = false, isNamed }: { bare?: boolean; isNamed: boolean },
): Promise<PreparedDatabase[]> {
  const environment = namedEnvironment(configured, `seedbed prepare ${configured.name}`)
  const { progress = () => {}, during = (_, work) => work(), baseline } = options
  const names = Object.keys(environment.databases)
  const places = names.map(database => printableUrl(environment.databases[database]!.url))
  options.begin?.({ environment, server: places.join(', ') })
  const fresh = await askFor(environment, project.asked, options)
  const { prepareDatabase } = await import('./prepare-database.js')
  const wishes: PrepareWishes = { fresh, bare, baseline, progress, during }
  const done: PreparedDatabase[] = []
  for (const [index, database] of names.entries()) {
    const sources = index === 0 ? project : withoutSchema(project)
    const prepared = await prepareDatabase({ environment, database }, sources, wishes).catch((error: unknown) => {
      // Nobody has named it, and a run needs no more than its server.
      const isLeftAlone = error instanceof SeedbedError && error.code === 'GUARD_MARKER_MISSING' && !isNamed
      if (!isLeftAlone || environment.name !== 'test') throw error
      progress(`"${environment.databases[database]!.database}" itself is left alone: ${problemOf(error).message}`)
      return undefined
    })
    if (prepared) done.push(prepared)
  }
  return done
}

/** The project's migrations and seeds are those of its first database. */
function withoutSchema(project: PrepareSources): PrepareSources {
  const seeds = { description: 'no seeds', files: [], fingerprint: {}, watched: [] }
  return { ...project, migrations: noMigrations(project.folder), seeds, config: { ...project.config, steps: [] } }
}
