import type { GuardedSession } from '@seedbed/environments/guard'
import type { Queryable } from '../seeds/queryable.js'
import { hasTable } from '../structure/has-table.js'

/**
 * `seedbed.prepared`, beside the marker: how far a database was prepared, so that what was interrupted goes on and what is done
 * is not done twice.
 *
 * - `seeds`: `wanted`, or the hash of those that were loaded
 * - `step <name>`: the hash of a step of the config that has ended well
 * - `structure`: JSON of `structureOf` when it was prepared last
 * - `rows`: of a test's database, `rowsDigest` when it was prepared last
 */
export type PreparedNotes = Map<string, string>

/** @returns undefined where the table is not there */
export async function readPreparedNotes(session: Pick<GuardedSession, 'query'>): Promise<PreparedNotes | undefined> {
  if (!(await hasTable(session, 'seedbed', 'prepared'))) return undefined
  const found = await session.query<{ what: string; value: string }>('select what, value from seedbed.prepared')
  return new Map(found.rows.map(({ what, value }) => [what, value]))
}

/** Makes the table where it is missing. */
export async function createPreparedNotes(session: GuardedSession<'migrate'>): Promise<void> {
  if (await hasTable(session, 'seedbed', 'prepared')) return
  await session.query(
    'create table seedbed.prepared (what text primary key, value text not null, noted_at timestamptz not null)',
  )
}

/** Null forgets it. Names are written with their schema: a client of the application may be what writes it. */
export async function writePreparedNote(
  db: Pick<GuardedSession | Queryable, 'query'>,
  what: string,
  value: string | null,
): Promise<void> {
  if (value === null) {
    await db.query('delete from seedbed.prepared where what operator(pg_catalog.=) $1', [what])
    return
  }
  await db.query(
    `insert into seedbed.prepared (what, value, noted_at) values ($1, $2, pg_catalog.clock_timestamp())
      on conflict (what) do update set value = excluded.value, noted_at = excluded.noted_at`,
    [what, value],
  )
}
