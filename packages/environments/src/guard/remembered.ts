import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { guardErrors } from './errors.js'
import { isSameDatabase, type Identity } from './identity.js'
import type { Marker } from './marker.js'

/** A protected database that a command has met. */
export interface Remembered {
  environment: string
  database: string
  systemIdentifier: string
  databaseOid: number
  markerId: string
}

/**
 * Remembers a protected database in the project, so that it is known again by whatever URL it is reached, and in a test run
 * without a connection to it. A file for each database, which is replaced as a whole: several processes may do so at once.
 */
export async function remember(folder: string, marker: Marker): Promise<void> {
  const { environment, database, systemIdentifier, databaseOid, id: markerId } = marker
  const known: Remembered = { environment, database, systemIdentifier, databaseOid, markerId }
  const file = join(placeIn(folder), `${encodeURIComponent(environment)}.${encodeURIComponent(database)}.json`)
  const made = `${file}.${randomUUID()}.new`
  await mkdir(placeIn(folder), { recursive: true })
  try {
    await writeFile(made, `${JSON.stringify(known, undefined, 2)}\n`)
    await rename(made, file)
  } finally {
    await rm(made, { force: true })
  }
}

/** @throws SeedbedError GUARD_MEMORY_UNREADABLE: what cannot be read might be the one that matters */
export async function rememberedIn(folder: string): Promise<Remembered[]> {
  const names = await readdir(placeIn(folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw unreadable(placeIn(folder), error)
  })
  return Promise.all(names.filter(name => name.endsWith('.json')).map(name => read(join(placeIn(folder), name))))
}

/** The protected database that this is, unless its marker is another one: a physical copy that was claimed. */
export function knownAs(
  identity: Identity,
  marker: Marker | undefined,
  remembered: readonly Remembered[],
): Remembered | undefined {
  return remembered.find(each => isSameDatabase(each, identity) && (!marker || marker.id === each.markerId))
}

const placeIn = (folder: string) => join(folder, '.seedbed', 'identities')

async function read(file: string): Promise<Remembered> {
  try {
    const { environment, database, systemIdentifier, databaseOid, markerId } = JSON.parse(
      await readFile(file, 'utf8'),
    ) as Partial<Remembered>
    const texts = [environment, database, systemIdentifier, markerId]
    if (!texts.every(text => typeof text === 'string') || typeof databaseOid !== 'number') {
      throw new Error('something is missing in it')
    }
    return { environment, database, systemIdentifier, databaseOid, markerId } as Remembered
  } catch (error) {
    throw unreadable(file, error as Error)
  }
}

function unreadable(file: string, error: Error) {
  return guardErrors.GUARD_MEMORY_UNREADABLE({ file, reason: error.message })
}
