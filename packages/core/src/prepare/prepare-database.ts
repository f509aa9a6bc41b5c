import { printableUrl, type AskedHere, type ResolvedEnvironment } from '@seedbed/environments'
import {
  assertSameDatabase,
  openGuarded,
  recordSchemaVersion,
  type GuardedSession,
  type GuardTarget,
} from '@seedbed/environments/guard'
import type { SeedbedConfig } from '../config/config.js'
import { applicationTables } from '../migrations/migration-history.js'
import type { LivingTarget, MigrationPlan } from '../migrations/migration-plan.js'
import { readMarks } from '../preserve/marks.js'
import { resetSchema } from '../reset/reset-schema.js'
import type { SeedPlan } from '../seeds/find-seeds.js'
import { loadSeeds } from '../seeds/load-seeds.js'
import { rowsDigest } from '../structure/rows-digest.js'
import { structureOf } from '../structure/structure.js'
import { createExtensions } from '../template/create-extensions.js'
import { fingerprintKey } from '../template/fingerprint.js'
import { rememberRoles } from '../template/remember-roles.js'
import { createDatabase, openOnceMarked } from './create-database.js'
import { prepareErrors } from './errors.js'
import { createPreparedNotes, writePreparedNote, type PreparedNotes } from './prepared-notes.js'
import { driftOf, isAlwaysFresh, look } from './look.js'
import { livingTarget } from './living-target.js'
import { runSteps } from './steps.js'

/** What was done to a database; of one that was ready, nothing. */
export interface PreparedDatabase {
  environment: string
  badge: ResolvedEnvironment['badge']
  /** The base name: `main`. */
  database: string
  /** Without its password. */
  url: string
  created: boolean
  /** Whether all that was in it has gone before. */
  reset: boolean
  /** Migrations that were noted as had, because of `baseline`. */
  adopted: string[]
  /** Migrations that have run. */
  migrated: string[]
  /** The last migration's name, or what a migration command's files hash to; null if there is none. */
  schemaVersion: string | null
  seeded: boolean
  /** The project's own, with their milliseconds. */
  steps: { name: string; milliseconds: number }[]
  /** What is not as it might be expected, a sentence each. */
  notes: string[]
}

export interface PrepareSources {
  folder: string
  config: SeedbedConfig
  asked: AskedHere<string>
  migrations: MigrationPlan
  seeds: SeedPlan
}

export interface PrepareWishes {
  /** Empty it first. Where that is the rule, it happens anyway if it is not as it was left. */
  fresh: boolean
  /** The schema alone: no seeds, no steps. */
  bare: boolean
  /** Note that it has had the migrations up to this one. */
  baseline?: string | undefined
  progress: (line: string) => void
  /** Is given what takes its time, and waits for it. */
  during: <Result>(what: string, work: () => Promise<Result>) => Promise<Result>
}

/**
 * Makes one database of an environment ready: creates it if it is not there, runs the migrations that it has not had, loads the
 * seeds into one that is new, and runs the project's steps. What was interrupted goes on at the next time, and what is ready is left
 * alone. A test's database is always as its seeds leave it: if it is not, it is emptied first. Production gets its migrations, and
 * nothing else.
 *
 * One command at a time does so: others wait.
 *
 * @throws SeedbedError what `openGuarded` throws, and migrations, seeds and steps
 */
export async function prepareDatabase(
  target: GuardTarget,
  sources: PrepareSources,
  wishes: PrepareWishes,
): Promise<PreparedDatabase> {
  const { environment, database } = target
  const { asked, migrations } = sources
  const { progress } = wishes
  const url = environment.databases[database]!.url
  const created = await createDatabase(target, asked, progress)
  await using session = await openOnceMarked(target, asked)
  await oneAtATime(session, progress)
  const living = livingTarget(session, url, environment, sources.config, progress)
  const found = await look(session, environment, sources)
  const isToBeFresh = !created && (wishes.fresh || (isAlwaysFresh(environment) && !found.isReady))
  // Dropping everything would take them along: then the schema is brought up to date, and the rows are.
  const keeps = isToBeFresh && !wishes.bare && (await readMarks(session)).length > 0
  if (keeps && !found.isMigratable) throw prepareErrors.PREPARE_LOSES_PRESERVED({ environment: environment.name })
  const reset = isToBeFresh && !keeps
  if (reset) await emptyDatabase(target, asked, progress)
  // Of what this command has created, another one may have made it ready by now.
  const isEmpty = async () => created || (await applicationTables(session)).length === 0
  const isNew = reset || (found.notes === undefined && (await isEmpty()))
  const notes = isNew ? await begin(session) : (found.notes ?? new Map<string, string>())

  await addExtensions(session, living, sources.config)
  const adopted = wishes.baseline === undefined ? [] : await adopt(living, migrations, wishes.baseline)
  const migrated = await migrate(session, living, migrations, wishes)
  const { version } = migrations
  if (version !== null && version !== (await recordedVersion(session))) await recordSchemaVersion(session, version)
  const acted = isNew || migrated.length > 0
  const { name, badge } = environment
  const done = {
    environment: name,
    badge,
    database,
    url: printableUrl(url),
    created,
    reset,
    adopted,
    migrated,
    schemaVersion: version,
  }
  if (environment.tier === 'production' || wishes.bare) {
    if (acted) await noteStructure(session)
    return { ...done, seeded: false, steps: [], notes: isNew ? [] : driftOf(found, acted) }
  }
  const seeded = keeps
    ? await putRowsBack(target, sources, notes, wishes)
    : await seed(target, living, sources, notes, wishes)
  const steps = await runSteps(session, living, sources, notes, acted || seeded, wishes)
  if (acted || seeded || steps.length > 0) {
    await noteStructure(session)
    if (isAlwaysFresh(environment)) await writePreparedNote(session, 'rows', await rowsDigest(session))
  }
  const differs = isNew ? [] : [...driftOf(found, acted), ...otherSeeds(sources, notes, seeded)]
  return { ...done, seeded, steps, notes: differs }
}

/** From here on what is not finished is to be done. */
async function begin(session: GuardedSession<'migrate'>): Promise<PreparedNotes> {
  await createPreparedNotes(session)
  await writePreparedNote(session, 'seeds', 'wanted')
  return new Map([['seeds', 'wanted']])
}

async function recordedVersion(session: GuardedSession<'migrate'>): Promise<string | null> {
  const { rows } = await session.query<{ version: string | null }>(
    'select schema_version as version from only seedbed.marker',
  )
  return rows[0]!.version
}

async function emptyDatabase(
  target: GuardTarget,
  asked: AskedHere<string>,
  progress: (line: string) => void,
): Promise<void> {
  await using session = await openGuarded(target, 'reset', asked)
  const { dropped } = await resetSchema(session)
  progress(`reset: ${dropped.length} ${dropped.length === 1 ? 'object is' : 'objects are'} gone`)
}

async function adopt(living: LivingTarget, { adopt, description }: MigrationPlan, last: string): Promise<string[]> {
  if (adopt) return adopt(living, last)
  throw prepareErrors.BASELINE_OF_TOOL({ environment: living.environment, migrations: description })
}

async function migrate(
  session: GuardedSession<'migrate'>,
  living: LivingTarget,
  migrations: MigrationPlan,
  { during }: PrepareWishes,
): Promise<string[]> {
  const { pending, unfinished } = await migrations.history(session)
  // To look for roles would be to wait for those who make some.
  if (pending.length === 0 && unfinished.length === 0) return []
  let ran: string[] = []
  const run = async (knownRoles: string[]) => {
    ran = await migrations.migrate({ ...living, knownRoles })
  }
  await during(`migrations (${pending.length})`, () => rememberRoles({ adminUrl: living.url, migrations }, run))
  return ran
}

async function seed(
  target: GuardTarget,
  living: LivingTarget,
  { asked, seeds, migrations, folder }: PrepareSources,
  notes: PreparedNotes,
  { during }: PrepareWishes,
): Promise<boolean> {
  if (notes.get('seeds') !== 'wanted') return false
  const client = await living.connect()
  // Nothing is done on it, but the guard has looked once more, and the audit log has a line.
  await using guarded = await openGuarded(target, 'seed', asked)
  try {
    await assertSameDatabase(guarded, client)
    await during(seeds.description, async () => {
      await migrations.seed?.(living)
      const hash = fingerprintKey(seeds.fingerprint)
      const note = () => writePreparedNote(client, 'seeds', hash)
      await loadSeeds(client, seeds.files, { projectFolder: folder, beforeCommit: note })
      notes.set('seeds', hash)
    })
  } finally {
    await client.end()
  }
  return true
}

/** The rows of the seeds, and those that are preserved. */
async function putRowsBack(
  target: GuardTarget,
  { asked, folder, seeds }: PrepareSources,
  notes: PreparedNotes,
  { during, progress }: PrepareWishes,
): Promise<boolean> {
  const { resetRows } = await import('../reset/reset-rows.js')
  await using session = await openGuarded(target, 'reset', asked)
  const { kept } = await during('rows of the seeds', () => resetRows(session, folder, progress))
  progress(`${kept.length} preserved ${kept.length === 1 ? 'row is' : 'rows are'} kept`)
  notes.set('seeds', fingerprintKey(seeds.fingerprint))
  await writePreparedNote(session, 'seeds', fingerprintKey(seeds.fingerprint))
  return true
}

async function noteStructure(session: GuardedSession<'migrate'>): Promise<void> {
  await createPreparedNotes(session)
  await writePreparedNote(session, 'structure', JSON.stringify(await structureOf(session)))
}

function otherSeeds({ seeds }: PrepareSources, notes: PreparedNotes, seeded: boolean): string[] {
  const loaded = notes.get('seeds')
  if (seeded || loaded === undefined || loaded === fingerprintKey(seeds.fingerprint)) return []
  return ['the seeds have changed since they were loaded: --fresh loads them anew, without what is there now']
}

async function addExtensions(
  session: GuardedSession<'migrate'>,
  living: LivingTarget,
  { extensions = [] }: SeedbedConfig,
): Promise<void> {
  const { rows } = await session.query<{ name: string }>('select extname::text as name from pg_extension')
  const missing = extensions.filter(name => !rows.some(row => row.name === name))
  if (missing.length === 0) return
  // The search_path decides in which schema they are, and the session's is not the application's.
  const client = await living.connect()
  try {
    await createExtensions(client, missing, printableUrl(living.url))
  } finally {
    await client.end()
  }
}

/** The session's end gives the lock back. */
async function oneAtATime(session: GuardedSession<'migrate'>, progress: (line: string) => void): Promise<void> {
  const { rows } = await session.query<{ taken: string }>('select pg_try_advisory_lock($1)::text as taken', [lock])
  if (rows[0]!.taken === 'true') return
  progress(`waiting for another command that prepares "${session.name}"`)
  await session.query('select pg_advisory_lock($1)', [lock])
}

/** The letters of "prepare" as one number. */
const lock = '31651577389015653'
