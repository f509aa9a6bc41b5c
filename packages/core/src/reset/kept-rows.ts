import type { GuardedSession } from '@seedbed/environments/guard'
import { loadPg } from '../server/load-pg.js'
import type { Catalog, Reference, Table } from './catalog.js'

/** A row that somebody has marked: see `seedbed.preserved`. */
export interface Mark {
  id: string
  /** As the server writes it: `public.users`. */
  table: string
  /** Column → the value's text. */
  key: Record<string, string>
  reason: string | null
}

/** A row that stays. */
export interface KeptRow {
  table: string
  key: Record<string, string>
  /** Why: a mark's number, or what refers to it. */
  because: { mark: string } | { references: string }
}

/** The rows that stay, as a temporary table of the session: `tab`, `tid`, `because`. It is gone with the transaction. */
export const keptTable = 'pg_temp.seedbed_kept'

/**
 * Finds the rows that stay: those that are marked, those that rows outside of what is reset refer to, and whatever these refer to,
 * through any number of foreign keys.
 *
 * @param reset the tables that are reset, by number
 * @returns marks whose row is not there any more
 */
export async function keepRows(
  session: Pick<GuardedSession, 'query'>,
  { tables, references }: Catalog,
  reset: ReadonlySet<number>,
  marks: readonly Mark[],
): Promise<{ missing: Mark[] }> {
  const byOid = new Map(tables.map(table => [table.oid, table]))
  await session.query(
    `create temporary table seedbed_kept (tab oid, tid tid, because text, primary key (tab, tid)) on commit drop`,
  )
  const missing: Mark[] = []
  for (const mark of marks) {
    const found = await keepMarked(session, mark)
    if (found === 0) missing.push(mark)
  }
  for (const reference of references) {
    if (reset.has(reference.from) || !reset.has(reference.to)) continue
    const [from, to] = [byOid.get(reference.from)!, byOid.get(reference.to)!]
    await session.query(
      `insert into ${keptTable} select t.tableoid, t.ctid, $1 from only ${to.name} t
        where exists (select from only ${from.name} f where ${joined(reference)}) on conflict do nothing`,
      [`references ${from.name}`],
    )
  }
  await followReferences(
    session,
    references.filter(({ to }) => reset.has(to)),
    byOid,
  )
  return { missing }
}

async function keepMarked(session: Pick<GuardedSession, 'query'>, { id, table, key }: Mark): Promise<number> {
  const { escapeIdentifier } = loadPg()
  const columns = Object.keys(key)
  const fits = columns.map((column, index) => `t.${escapeIdentifier(column)}::text = $${index + 2}`).join(' and ')
  const { rowCount } = await session.query(
    `insert into ${keptTable} select t.tableoid, t.ctid, $1 from ${table} t where ${fits} on conflict do nothing`,
    [`mark ${id}`, ...Object.values(key)],
  )
  return rowCount ?? 0
}

/** Pass by pass, until one finds nothing new. */
async function followReferences(
  session: Pick<GuardedSession, 'query'>,
  references: readonly Reference[],
  byOid: ReadonlyMap<number, Table>,
): Promise<void> {
  let grown = new Set(references.map(({ from }) => from))
  while (grown.size > 0) {
    const next = new Set<number>()
    for (const reference of references.filter(({ from }) => grown.has(from))) {
      const [from, to] = [byOid.get(reference.from)!, byOid.get(reference.to)!]
      const { rowCount } = await session.query(
        `insert into ${keptTable} select t.tableoid, t.ctid, $1 from ${keptTable} k
          join only ${from.name} f on k.tab = f.tableoid and k.tid = f.ctid
          join only ${to.name} t on ${joined(reference)}
          where k.tab = $2::oid on conflict do nothing`,
        [`references ${from.name}`, from.oid],
      )
      if (rowCount) next.add(to.oid)
    }
    grown = next
  }
}

/** The referenced row is `t`, the one that refers to it is `f`. */
export function joined({ columns }: Reference): string {
  const { escapeIdentifier } = loadPg()
  return columns
    .map(({ from, to, equals }) => `t.${escapeIdentifier(to)} ${equals} f.${escapeIdentifier(from)}`)
    .join(' and ')
}

/** The rows that stay in a table, by their primary keys; of a table without one, by where they are. */
export async function listKept(session: Pick<GuardedSession, 'query'>, table: Table): Promise<KeptRow[]> {
  const { escapeIdentifier, escapeLiteral } = loadPg()
  const key =
    table.key.length === 0
      ? `json_build_object('ctid', t.ctid)`
      : `json_build_object(${table.key.map(column => `${escapeLiteral(column)}, t.${escapeIdentifier(column)}::text`).join(', ')})`
  const { rows } = await session.query<{ key: string; because: string }>(
    `select (${key})::text as key, k.because from ${keptTable} k join only ${table.name} t on t.tableoid = k.tab and t.ctid = k.tid
      where k.tab = $1::oid order by 1`,
    [table.oid],
  )
  return rows.map(({ key, because }) => {
    const [kind, what] = [because.slice(0, because.indexOf(' ')), because.slice(because.indexOf(' ') + 1)]
    return {
      table: table.name,
      key: JSON.parse(key) as KeptRow['key'],
      because: kind === 'mark' ? { mark: what } : { references: what },
    }
  })
}
