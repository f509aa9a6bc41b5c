import type { EnvironmentsConfig, Tier } from '../config.js'
import { SeedbedError } from '../errors/define-errors.js'
import { databaseOf } from '../resolve/database-url.js'
import { guardErrors } from './errors.js'
import { projectOf } from './gate.js'
import { identityOf } from './identity.js'
import { lookWhoseItIs } from './look.js'
import type { Marker } from './marker.js'
import { openReadOnly } from './read-only-session.js'
import { remember } from './remembered.js'
import { connectionFailed, type Session } from './session.js'

/** How the guard reads a database's marker. */
export interface MarkerReading {
  /** `unknown`: it cannot be told; the guard would refuse as well. */
  whose: 'ours' | 'missing' | 'strange' | 'copied' | 'of another' | 'unknown'
  /** What it says, if it is ours. */
  marker: Marker | null
  /** Why it is not ours; or that it is, and could not be remembered. */
  problem: string | null
}

export interface Inspection {
  /** Of the whole database, on disk. */
  bytes: number
  reading: MarkerReading
}

interface Inspected {
  environment: string
  tier: Tier
  protected: boolean
  /** The base name. */
  database: string
  url: string
}

/**
 * Looks at a database without changing anything in it. One that is protected and shows the right marker is remembered in the project,
 * as the guard does it.
 *
 * @param options.limit milliseconds after which it has not answered
 * @throws SeedbedError GUARD_CONNECTION_FAILED, GUARD_DATABASE_MISSING, ENVIRONMENTS_MISCONFIGURED if nothing names the project
 * @example
 * const { reading } = await inspectDatabase(staging, { config, folder, limit: 3_000 })
 * console.log(reading.whose, reading.marker?.schemaVersion)
 */
export async function inspectDatabase(
  inspected: Inspected,
  { config, folder, limit }: { config: EnvironmentsConfig<string>; folder: string; limit: number },
): Promise<Inspection> {
  const { environment, url } = inspected
  const project = projectOf(config, folder)
  const session = await openReadOnly(url, environment, limit)
  try {
    const { rows } = await session.query<{ bytes: string }>(
      'select pg_catalog.pg_database_size(pg_catalog.current_database())::pg_catalog.text as bytes',
    )
    const reading = await readingOf(session, { ...inspected, project, name: databaseOf(url) }, folder)
    return { bytes: Number(rows[0]!.bytes), reading }
  } catch (error) {
    throw error instanceof SeedbedError ? error : connectionFailed(url, environment, error)
  } finally {
    await session.close()
  }
}

async function readingOf(
  session: Session,
  wanted: Inspected & { project: string; name: string },
  folder: string,
): Promise<MarkerReading> {
  const { environment, name } = wanted
  try {
    const identity = await identityOf(session, environment)
    if (identity.database !== name)
      throw guardErrors.GUARD_OTHER_DATABASE({ environment, name, found: identity.database })
    const marker = await lookWhoseItIs({ session, identity }, wanted, folder)
    const problem = wanted.protected && !identity.inRecovery ? await rememberIfPossible(folder, marker) : null
    return { whose: 'ours', marker, problem }
  } catch (error) {
    if (!(error instanceof SeedbedError)) throw error
    return { whose: readings[error.code] ?? 'unknown', marker: null, problem: error.message.split('\n', 1)[0]! }
  }
}

/** To look is allowed where nothing can be written, but it is said. */
async function rememberIfPossible(folder: string, marker: Marker): Promise<string | null> {
  try {
    await remember(folder, marker)
    return null
  } catch (error) {
    return `it could not be remembered: ${(error as Error).message}`
  }
}

const readings: Record<string, MarkerReading['whose']> = {
  GUARD_MARKER_MISSING: 'missing',
  GUARD_MARKER_STRANGE: 'strange',
  GUARD_MARKER_COPIED: 'copied',
  GUARD_MARKER_OF_ANOTHER: 'of another',
  GUARD_REMEMBERED: 'of another',
}
