import { placeOf, SeedbedError, type ConfiguredEnvironment } from '@seedbed/environments'
import { connectReadOnly, inspectDatabase } from '@seedbed/environments/guard'
import { factsOf, type Facts } from '../doctor/check-settings.js'
import { problem, type Found } from '../doctor/finding.js'
import { foundBy } from '../doctor/found-by.js'
import type { AskedInProject } from '../environment/asked-in.js'
import { answerWithin, refusedHere } from '../environment/environment-status.js'
import { sentenceOf } from '../errors/sentence-of.js'
import { applicationTables, type MigrationHistory } from '../migrations/migration-history.js'
import type { MigrationPlan } from '../migrations/migration-plan.js'
import { readPreparedNotes } from '../prepare/prepared-notes.js'
import { structureOf, type Structure } from '../structure/structure.js'

/** One environment as it is, as far as a deployment has to know. */
export interface Look {
  environment: ConfiguredEnvironment
  /** `db.example.com:5432/shop`; empty where nothing says it. */
  place: string
  /** Of `test` without a URL: there is nothing to look at, and every run makes its databases from all migrations. */
  isMadeByRuns: boolean
  /** Why it could not be looked at. */
  failed: Found | undefined
  /** What was seen, if it could. */
  seen: Seen | undefined
}

export interface Seen {
  history: MigrationHistory
  /** Whether it holds tables of the application's. */
  hasTables: boolean
  structure: Structure
  /** The structure when it was prepared last; null if it never was. */
  noted: Structure | null
  facts: Facts
  server: ServerFacts
  /** Names of those that are there, or can be created. */
  extensions: { installed: string[]; available: string[] }
}

/** Of a server that people rely on. */
export interface ServerFacts {
  isSuperuser: boolean
  isEncrypted: boolean
  isLocal: boolean
  isReplica: boolean
  autovacuum: string
  synchronousCommit: string
}

/** Looks at the first database of an environment, where migrations run; it changes nothing. */
export async function lookAt(
  environment: ConfiguredEnvironment,
  plan: MigrationPlan,
  asked: AskedInProject,
): Promise<Look> {
  const database = asked.config.databases?.[0] ?? 'main'
  const address = environment.databases[database]
  const isMadeByRuns = !address || ('missing' in address && address.missing.code === 'TEST_WITHOUT_URL')
  const nothing = { environment, place: '', isMadeByRuns, failed: undefined, seen: undefined }
  if (isMadeByRuns) return nothing
  if ('missing' in address) return { ...nothing, failed: foundBy(address.missing, environment) }
  const { url } = address
  const place = placeOf(url)
  const refused = refusedHere(asked)(url)
  try {
    if (refused !== undefined) throw new Error(refused)
    const { name, tier } = environment
    const inspected = { environment: name, tier, protected: environment.protected, database, url }
    const { reading } = await inspectDatabase(inspected, { ...asked, limit: answerWithin })
    if (reading.whose !== 'ours') throw new Error(reading.problem ?? `its marker is ${reading.whose}`)
    return { ...nothing, place, seen: await see(url, plan) }
  } catch (error) {
    const reason = sentenceOf((error as Error).message)
    // Seedbed's own say where.
    const found = error instanceof SeedbedError ? reason : `${place} could not be looked at: ${reason}`
    const failed = problem(found, {
      why: 'What nobody knows may go wrong.',
      wayOut: ['Mend that, and look again. seedbed doctor says more.'],
      environment,
    })
    return { ...nothing, place, failed }
  }
}

async function see(url: string, plan: MigrationPlan): Promise<Seen> {
  const session = await connectReadOnly(url, answerWithin)
  try {
    const history = await plan.history(session)
    const noted = (await readPreparedNotes(session))?.get('structure')
    const { rows: server } = await session.query<ServerFacts>(serverQuery)
    const { rows: extensions } = await session.query<{ name: string; installed: boolean }>(
      'select name, installed_version is not null as installed from pg_available_extensions',
    )
    return {
      history,
      hasTables: (await applicationTables(session)).length > 0,
      structure: await structureOf(session),
      noted: noted === undefined ? null : (JSON.parse(noted) as Structure),
      facts: await factsOf(session),
      server: server[0]!,
      extensions: {
        installed: extensions.filter(({ installed }) => installed).map(({ name }) => name),
        available: extensions.map(({ name }) => name),
      },
    }
  } finally {
    await session.close()
  }
}

const serverQuery = `
  select r.rolsuper as "isSuperuser", coalesce(s.ssl, false) as "isEncrypted",
    coalesce(inet_client_addr() <<= any ('{127.0.0.0/8,::1/128}'::inet[]), true) as "isLocal",
    pg_is_in_recovery() as "isReplica", current_setting('autovacuum') as autovacuum,
    current_setting('synchronous_commit') as "synchronousCommit"
  from pg_roles r left join pg_stat_ssl s on s.pid = pg_backend_pid() where r.rolname = current_user`
