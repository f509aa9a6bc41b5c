import type { FootprintDetails } from './footprint.js'
import { shortened } from './member.js'
import { lend, type MaintenanceQuery } from './maintain.js'
import type { Shared } from './shared.js'

/**
 * Counts the rows of tables that were written to, before and after these are put back.
 *
 * @param putBack puts back what the scope has written
 */
export async function detailsAround(
  shared: Shared,
  texts: readonly string[],
  putBack: () => Promise<void> | undefined,
): Promise<FootprintDetails> {
  const end = await counted(shared, async query => {
    const tables = await query(written)
    return countRows(query, tables.map(([table]) => table!)) // prettier-ignore
  })
  await putBack()
  const begin = end && (await counted(shared, async query => countRows(query, await still(query, [...end.keys()]))))
  const text = texts.find(isOfTime)
  return {
    rowsByTable: begin && differences(begin, end),
    timeStatement: text === undefined ? undefined : shortened(text),
  }
}

/** Also what was rolled back in the scope, and what the scope before it had written: only the counts can tell. */
const written = `
  select pg_catalog.format('%I.%I', schemaname, relname) from pg_catalog.pg_stat_xact_user_tables
   where n_tup_ins + n_tup_upd + n_tup_del > 0 and pg_catalog.has_table_privilege(relid, 'select')`

type Counts = Map<string, number>

/** Undefined if it takes too long, or if the transaction has failed. */
async function counted(
  shared: Shared,
  count: (query: MaintenanceQuery) => Promise<Counts>,
): Promise<Counts | undefined> {
  if (shared.session().lost()) return undefined
  let counts: Counts | undefined
  await lend(shared, async query => {
    await query("select pg_catalog.set_config('statement_timeout', '1000', true)")
    counts = await count(query)
  }).catch(() => {})
  return counts
}

async function countRows(query: MaintenanceQuery, tables: readonly string[]): Promise<Counts> {
  const counts: Counts = new Map()
  for (const table of tables) {
    // The server has quoted the name.
    const [[count] = []] = await query(`select count(*) from ${table}`)
    counts.set(table, Number(count))
  }
  return counts
}

/** Without the tables that were made in the scope. */
async function still(query: MaintenanceQuery, tables: string[]): Promise<string[]> {
  const rows = await query(
    'select name from pg_catalog.unnest($1::text[]) as name where pg_catalog.to_regclass(name) is not null',
    [arrayOf(tables)],
  )
  return rows.map(([name]) => name!)
}

function arrayOf(texts: string[]): string {
  return `{${texts.map(text => JSON.stringify(text)).join(',')}}`
}

function differences(begin: Counts, end: Counts): Record<string, number> {
  const all = [...end].map(([table, count]) => [table, count - (begin.get(table) ?? 0)] as const)
  return Object.fromEntries(all.filter(([, difference]) => difference !== 0))
}

/** A guess by its words, for a hint only. */
function isOfTime(text: string): boolean {
  return asksForTime.test(text) || ordersByTime.test(text)
}

const asksForTime =
  /\b(?:now|transaction_timestamp|age)\s*\(|\b(?:current_timestamp|current_time|current_date|localtimestamp|localtime)\b/i
const ordersByTime = /\border\s+by\b[^;]*\b(?:\w*_(?:at|on)|\w*(?:time|date|stamp)\w*|created\w*|updated\w*)\b/i
