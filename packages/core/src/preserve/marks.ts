import type { GuardedSession } from '@seedbed/environments/guard'
import type { Mark } from '../reset/kept-rows.js'
import { hasTable } from '../structure/has-table.js'

/** A mark as it stands in `seedbed.preserved`. */
export interface PreservedMark extends Mark {
  /** As the server writes it. */
  markedAt: string
  /** `ada@laptop` */
  markedBy: string
}

type Session = Pick<GuardedSession, 'query'>

/** Every mark of a database, the oldest first; where there is no table of them, none. */
export async function readMarks(session: Session): Promise<PreservedMark[]> {
  if (!(await hasTable(session, 'seedbed', 'preserved'))) return []
  const { rows } = await session.query<Omit<PreservedMark, 'key'> & { key: string }>(
    `select id::text as id, relation as table, key::text as key, reason, marked_at::text as "markedAt", marked_by as "markedBy"
      from seedbed.preserved order by marked_at, id`,
  )
  return rows.map(row => ({ ...row, key: JSON.parse(row.key) as Mark['key'] }))
}

export async function createMarks(session: Session): Promise<void> {
  await session.query(
    `create table if not exists seedbed.preserved (
      id uuid primary key default gen_random_uuid(),
      relation text not null,
      key jsonb not null,
      reason text,
      marked_at timestamptz not null default clock_timestamp(),
      marked_by text not null,
      unique (relation, key)
    )`,
  )
}
