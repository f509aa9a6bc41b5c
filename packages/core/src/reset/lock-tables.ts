import type { GuardedSession } from '@seedbed/environments/guard'
import { catalogDigest } from './catalog-digest.js'
import type { Catalog, Table } from './catalog.js'
import { resetErrors } from './errors.js'
import { lookAtCatalog, type LookedAt } from './look-at-catalog.js'

type Session = Pick<GuardedSession<'reset'>, 'query'>

/**
 * Locks tables against writes and DDL until the transaction ends, and sees to it that the catalog from which they were chosen is the one
 * that is there then: what a migration has committed meanwhile is noticed, the locks are let go, and they are chosen anew.
 *
 * @param session in a transaction that is READ COMMITTED: another would not see what others commit
 * @param first what was seen earlier, before the transaction began too
 * @param choose may throw where the tables do not fit
 * @throws SeedbedError RESET_SCHEMA_CHANGES, what `choose` throws, and what the server does
 */
export async function lockTables(
  session: Session,
  first: LookedAt,
  choose: (catalog: Catalog) => Table[],
): Promise<{ catalog: Catalog; tables: Table[] }> {
  await session.query('savepoint seedbed_looked_at')
  let looked = first
  for (let time = 1; time <= most; time += 1) {
    const { catalog, digest } = looked
    const tables = choose(catalog)
    const refused = await lock(session, tables)
    if (refused) await session.query('rollback to savepoint seedbed_looked_at')
    const isSame = (await catalogDigest(session)) === digest
    if (isSame && refused) throw refused
    if (isSame) return { catalog, tables }
    await session.query('rollback to savepoint seedbed_looked_at')
    looked = await lookAtCatalog(session)
  }
  throw resetErrors.RESET_SCHEMA_CHANGES({ times: most })
}

/** Each time somebody else has to have committed DDL in between. */
const most = 10

/** @returns what the server said, if it refused: a table that is gone, as much as a right that is missing */
async function lock(session: Session, tables: readonly Table[]): Promise<Error | undefined> {
  if (tables.length === 0) return undefined
  const names = tables.map(({ name }) => name).join(', only ')
  return session.query(`lock table only ${names} in share row exclusive mode`).then(
    () => undefined,
    (error: Error) => error,
  )
}
