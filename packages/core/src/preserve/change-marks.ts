import { hostname } from 'node:os'
import { userName } from '@seedbed/environments'
import { openGuarded, type GuardedSession } from '@seedbed/environments/guard'
import { chosenTarget } from '../environment/chosen-target.js'
import { openAsked } from '../environment/open-asked.js'
import { askFor } from '../prepare/confirm.js'
import { readCatalog } from '../reset/catalog.js'
import { keepRows, listKept, type KeptRow } from '../reset/kept-rows.js'
import { openSeedSource } from '../reset/seed-source.js'
import { preserveErrors } from './errors.js'
import { findRows, findTable, type Rows } from './find-rows.js'
import { createMarks, readMarks } from './marks.js'
import type { Preserved, PreserveOptions } from './preserve.js'

/** See `preserve`. */
export async function changeMarks(options: PreserveOptions): Promise<Preserved> {
  return inDatabase(options, async session => {
    const { off = false, reason = null } = options
    const rows = 'label' in options.rows ? await rowOfLabel(options.rows.label, options) : options.rows
    const table = await findTable(session, rows.table)
    const keys = await findRows(session, table, rows, off)
    await createMarks(session)
    for (const key of keys) await (off ? unmark(session, table.name, key) : mark(session, table.name, key, reason))
    return keys.map(key => ({ table: table.name, key }))
  })
}

/** See `listPreserved`. */
export async function listMarks(options: Omit<PreserveOptions, 'rows' | 'reason' | 'off'>): Promise<Preserved> {
  return inDatabase(options, async () => [])
}

async function inDatabase(
  options: Omit<PreserveOptions, 'rows'>,
  change: (session: GuardedSession<'preserve'>) => Promise<Preserved['changed']>,
): Promise<Preserved> {
  using opened = await openAsked(options)
  const { asked } = opened
  const target = chosenTarget(asked, options.begin)
  const { environment, database } = target
  await askFor(environment, asked, options)
  await using session = await openGuarded(target, 'preserve', asked)
  const changed = await change(session)
  if (changed.length > 0) session.report(changed.length)
  return { environment: environment.name, database, changed, ...(await look(session)) }
}

/** In a transaction that is rolled back: what is kept is found by a temporary table. */
async function look(session: GuardedSession<'preserve'>): Promise<Pick<Preserved, 'marks' | 'kept' | 'missing'>> {
  const marks = await readMarks(session)
  const catalog = await readCatalog(session)
  await session.query('begin; set local row_security = off')
  try {
    const { missing } = await keepRows(session, catalog, new Set(catalog.tables.map(({ oid }) => oid)), marks)
    const kept: KeptRow[] = []
    for (const table of catalog.tables) kept.push(...(await listKept(session, table)))
    return { marks, kept, missing: marks.filter(({ id }) => missing.some(each => each.id === id)) }
  } finally {
    await session.query('rollback')
  }
}

async function mark(
  session: GuardedSession<'preserve'>,
  table: string,
  key: Record<string, string>,
  reason: string | null,
): Promise<void> {
  await session.query(
    `insert into seedbed.preserved (relation, key, reason, marked_by) values ($1, $2, $3, $4)
      on conflict (relation, key) do update set reason = coalesce(excluded.reason, preserved.reason)`,
    [table, JSON.stringify(key), reason, `${userName()}@${hostname()}`],
  )
}

async function unmark(session: GuardedSession<'preserve'>, table: string, key: Record<string, string>): Promise<void> {
  await session.query('delete from seedbed.preserved where relation = $1 and key = $2', [table, JSON.stringify(key)])
}

/** By the labels of the template, which knows the keys that the server gave. */
async function rowOfLabel(
  label: string,
  { folder, progress = () => {} }: PreserveOptions,
): Promise<Exclude<Rows, { label: string }>> {
  await using source = await openSeedSource(folder, progress)
  const { tables } = source.labels
  const known = Object.entries(tables).flatMap(([table, { rows }]) => Object.keys(rows).map(name => `${table}.${name}`))
  const table = Object.keys(tables).find(name => label.startsWith(`${name}.`))
  const values = table === undefined ? undefined : tables[table]!.rows[label.slice(table.length + 1)]
  if (table === undefined || !values) throw preserveErrors.PRESERVE_UNKNOWN_LABEL({ label, known })
  const all = Object.fromEntries(tables[table]!.columns.map(({ name }, index) => [name, values[index]!]))
  return { table, key: all, isWholeRow: true }
}
