import { identityOf } from './identity.js'
import { readMarker } from './marker.js'
import { rememberedIn, type Remembered } from './remembered.js'
import { openSession } from './session.js'

export interface TestServer {
  /** The environment that the database of the URL belongs to, by its marker; undefined if it has none. */
  environment: string | undefined
  /** Protected databases that commands have met on this server, by whatever address, under the names that they have now. */
  protectedHere: { environment: string; name: string }[]
}

/**
 * Looks, before a test run, at the server that its URL leads to: whose the database is that the URL names, and whether databases that
 * must not be reached are beside it. It opens a session in that database and in no other.
 *
 * @param folder the project's, which remembers protected databases
 * @throws SeedbedError GUARD_CONNECTION_FAILED, GUARD_DATABASE_MISSING, GUARD_POOLER, GUARD_MEMORY_UNREADABLE, GUARD_IDENTITY_HIDDEN where databases are remembered
 * @example const { environment } = await lookAtTestServer('postgresql://tests@localhost/test', process.cwd())
 */
export async function lookAtTestServer(url: string, folder: string): Promise<TestServer> {
  const remembered = await rememberedIn(folder)
  const session = await openSession(url, 'test')
  try {
    const found = await readMarker(session)
    const environment = 'marker' in found ? found.marker.environment : 'strange' in found ? 'unknown' : undefined
    if (remembered.length === 0) return { environment, protectedHere: [] }
    const { systemIdentifier } = await identityOf(session, 'test')
    const here = remembered.filter(each => each.systemIdentifier === systemIdentifier)
    const { rows } = await session.query<{ oid: number; name: string }>(
      `select oid::pg_catalog.int8::pg_catalog.float8 as oid, datname::pg_catalog.text as name from pg_catalog.pg_database
        where oid operator(pg_catalog.=) any ($1::pg_catalog.oid[])`,
      [here.map(each => each.databaseOid)],
    )
    const nameOf = ({ databaseOid }: Remembered) => rows.find(row => row.oid === databaseOid)?.name
    const protectedHere = here.map(each => ({ environment: each.environment, name: nameOf(each) }))
    return {
      environment,
      protectedHere: protectedHere.filter((each): each is TestServer['protectedHere'][0] => each.name !== undefined),
    }
  } finally {
    await session.close()
  }
}
