import type { GuardedSession } from '@seedbed/environments/guard'
import type { DatabaseError } from 'pg'
import { loadPg } from '../server/load-pg.js'
import { asText } from './as-text.js'
import type { Catalog, Table } from './catalog.js'
import { conflictsIn, type Conflict, type ConflictRule } from './conflicts.js'
import { resetErrors } from './errors.js'
import { insertTexts } from './insert-texts.js'
import { keepRows, keptTable, listKept, type KeptRow, type Mark } from './kept-rows.js'
import { lockTables } from './lock-tables.js'
import type { LookedAt } from './look-at-catalog.js'
import type { SeedSource } from './seed-source.js'

export interface PutBackWishes {
  /** What was seen of the database last; see `lockTables`. */
  looked: LookedAt
  /** The tables that are reset; asked again if the catalog has changed since. */
  choose(catalog: Catalog): Table[]
  marks: readonly Mark[]
  conflicts: ConflictRule
  /** Whether user triggers and rules act on what is deleted and inserted. */
  triggers: boolean
  /** Do all of it, say what it was, and undo it. */
  dryRun: boolean
}

export interface PutBack {
  tables: { table: string; before: number; kept: number; seeded: number }[]
  kept: KeptRow[]
  /** Marks whose row is not there any more: it was deleted, or has another key. */
  missing: Mark[]
  conflicts: Conflict[]
}

type Session = Pick<GuardedSession<'reset'>, 'query'>

/**
 * Brings tables to the rows of the seeds and those that stay, in one transaction, with no more rights than an owner's. Statements that
 * write many tables at once check foreign keys at their end, so that no order has to be found, and cycles do not matter.
 */
export async function putBack(session: Session, source: SeedSource, wishes: PutBackWishes): Promise<PutBack> {
  const { marks, dryRun } = wishes
  await session.query(asText)
  // Whatever the database's default is: what others have committed has to be seen.
  await session.query('begin isolation level read committed; set local row_security = off')
  try {
    const { catalog, tables } = await lockTables(session, wishes.looked, wishes.choose)
    const reset = new Set(tables.map(({ oid }) => oid))
    const acting = tables
      .flatMap(table => table.acting)
      .filter(({ kind }) => !wishes.triggers || kind === 'row security')
    for (const { stop } of acting) await session.query(stop)
    const { missing } = await keepRows(session, catalog, reset, marks)
    const before = await countAll(session, tables)
    const seeds = await takeSeeds(session, source, tables)
    const conflicts = await conflictsIn(session, tables, seeds, wishes.conflicts)
    const kept: KeptRow[] = []
    for (const table of tables) kept.push(...(await listKept(session, table)))
    const seeded = await explained(conflicts, async () => {
      await empty(session, tables, catalog, kept)
      const counts = await insertSeeds(session, tables, seeds, new Set(kept.map(({ table }) => table)))
      await session.query('set constraints all immediate')
      return counts
    })
    await putObjectsBack(session, source, kept, tables)
    for (const { restore } of acting) await session.query(restore)
    await putSequencesBack(session, source, catalog, reset, kept)
    for (const view of catalog.materialisedViews) await session.query(`refresh materialized view ${view}`)
    await session.query(dryRun ? 'rollback' : 'commit')
    const keptIn = (name: string) => kept.filter(({ table }) => table === name).length
    return {
      tables: tables.map(({ name, oid }) => ({
        ...{ table: name, before: before.get(oid)!, kept: keptIn(name), seeded: seeded.get(oid) ?? 0 },
      })),
      ...{ kept, missing, conflicts },
    }
  } catch (error) {
    await session.query('rollback').catch(() => {}) // the connection is gone: the server has rolled back
    throw error
  }
}

/** What the server refuses, here for one reason alone: a row that stays and one of the seeds cannot both be there. */
async function explained<Result>(conflicts: readonly Conflict[], run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (cause) {
    const { code, message, detail, schema, table, constraint } = cause as DatabaseError
    if (!code?.startsWith('23')) throw cause
    const path = conflicts.map(({ table, same }) => `${table} (${listOf(same)})`)
    throw resetErrors.RESET_BREAKS_CONSTRAINT(
      { table: `${schema}.${table}`, constraint: constraint ?? '', reason: detail ?? message, gaveWay: path },
      { cause },
    )
  }
}

const listOf = (same: Conflict['same']) =>
  Object.entries(same)
    .map(([column, value]) => `${column}=${value}`)
    .join(', ')

async function countAll(session: Session, tables: readonly Table[]): Promise<Map<number, number>> {
  const counts = new Map<number, number>()
  for (const { oid, name } of tables) {
    const { rows } = await session.query<{ count: string }>(`select count(*)::text as count from only ${name}`)
    counts.set(oid, Number(rows[0]!.count))
  }
  return counts
}

/** Names of temporary tables with the rows of the seeds, by the table's number. */
export type SeedTables = Map<number, string>

async function takeSeeds(session: Session, source: SeedSource, tables: readonly Table[]): Promise<SeedTables> {
  const { escapeIdentifier } = loadPg()
  const seeds: SeedTables = new Map()
  const sources = new Map(source.catalog.tables.map(table => [table.name, table]))
  for (const [index, table] of tables.entries()) {
    const { oid, name, columns } = table
    const from = sources.get(name)!
    const temporary = `pg_temp.seedbed_seed_${index}`
    const list = columns.map(column => escapeIdentifier(column.name)).join(', ')
    for await (const rows of source.rows(from)) {
      if (!seeds.has(oid)) {
        await session.query(
          `create temporary table seedbed_seed_${index} on commit drop as select ${list} from only ${name} with no data`,
        )
        seeds.set(oid, temporary)
      }
      await insertTexts(session, temporary, { given: from.columns, wanted: columns, rows })
    }
  }
  return seeds
}

/** From this size in bytes on it is faster to begin a new file. */
const large = 4 * 1024 * 1024

async function empty(session: Session, tables: readonly Table[], { references }: Catalog, kept: readonly KeptRow[]) {
  const holding = new Set(kept.map(({ table }) => table))
  const truncated = truncatable(tables, references, holding, await largeTables(session, tables))
  if (truncated.length > 0) await session.query(`truncate only ${truncated.map(({ name }) => name).join(', only ')}`)
  const deletes = tables
    .filter(table => !truncated.includes(table))
    .map(({ oid, name }, index) => {
      const stays = holding.has(name)
        ? ` t where not exists (select from ${keptTable} k where k.tab = ${oid} and k.tid = t.ctid)`
        : ''
      return `d${index} as (delete from only ${name}${stays})`
    })
  if (deletes.length > 0) await session.query(`with ${deletes.join(', ')} select`)
}

async function largeTables(session: Session, tables: readonly Table[]): Promise<Set<number>> {
  const { rows } = await session.query<{ oid: string }>(
    'select oid::text as oid from unnest($1::oid[]) t(oid) where pg_relation_size(oid) >= $2',
    [tables.map(({ oid }) => oid), large],
  )
  return new Set(rows.map(({ oid }) => Number(oid)))
}

/** Large tables in which nothing stays, with all that refer to them: TRUNCATE takes no less. */
function truncatable(
  tables: readonly Table[],
  references: Catalog['references'],
  holding: ReadonlySet<string>,
  isLarge: ReadonlySet<number>,
): Table[] {
  const byOid = new Map(tables.map(table => [table.oid, table]))
  const candidates = tables.filter(({ oid, name }) => isLarge.has(oid) && !holding.has(name))
  const chosen = new Set<Table>()
  for (const candidate of candidates) {
    const group = new Set([candidate.oid])
    for (const oid of group) for (const { from, to } of references) if (to === oid) group.add(from)
    const members = [...group].map(oid => byOid.get(oid))
    if (members.every(table => table !== undefined && !holding.has(table.name))) {
      for (const table of members) chosen.add(table!)
    }
  }
  return [...chosen]
}

async function insertSeeds(
  session: Session,
  tables: readonly Table[],
  seeds: SeedTables,
  holding: ReadonlySet<string>,
): Promise<Map<number, number>> {
  const { escapeIdentifier } = loadPg()
  const inserts: string[] = []
  const counts: string[] = []
  for (const { oid, name, columns, isDeferrable } of tables) {
    const seed = seeds.get(oid)
    if (!seed) continue
    const list = columns.map(column => escapeIdentifier(column.name)).join(', ')
    // What only the server can compare: indexes on expressions, exclusion constraints.
    const onConflict = holding.has(name) && !isDeferrable ? 'on conflict do nothing' : ''
    const into = columns.length === 0 ? name : `${name} (${list}) overriding system value`
    inserts.push(`i${oid} as (insert into ${into} select ${list} from ${seed} ${onConflict} returning 1)`)
    counts.push(`select ${oid}::text as oid, count(*)::text as count from i${oid}`)
  }
  if (inserts.length === 0) return new Map()
  const { rows } = await session.query<{ oid: string; count: string }>(
    `with ${inserts.join(', ')} ${counts.join(' union all ')}`,
  )
  return new Map(rows.map(({ oid, count }) => [Number(oid), Number(count)]))
}

/** Not by setval, which no rollback undoes. Where a row stays that has a later number, the next one comes after it. */
async function putSequencesBack(
  session: Session,
  source: SeedSource,
  { tables, sequences }: Catalog,
  reset: ReadonlySet<number>,
  kept: readonly KeptRow[],
): Promise<void> {
  const { escapeIdentifier } = loadPg()
  const known = new Set(source.catalog.sequences.map(({ name }) => name))
  for (const { name, column } of sequences) {
    if (!known.has(name) || (column && !reset.has(column.table))) continue
    const table = tables.find(({ oid }) => oid === column?.table)
    let next = await source.next(name)
    if (table && kept.some(each => each.table === table.name)) {
      const { rows } = await session.query<{ next: string }>(
        `select greatest($1::numeric, max(${escapeIdentifier(column!.name)})::numeric + 1)::text as next from only ${table.name}`,
        [next],
      )
      next = rows[0]!.next
    }
    await session.query(`alter sequence ${name} restart with ${BigInt(next)}`)
  }
}

/** Large objects are in no table: those of the seeds come back, and those that a row that stays may name are left. */
async function putObjectsBack(
  session: Session,
  source: SeedSource,
  kept: readonly KeptRow[],
  tables: readonly Table[],
): Promise<void> {
  if (tables.length === 0) return
  const { escapeIdentifier } = loadPg()
  const named: string[] = []
  for (const { oid, name, columns } of tables.filter(table => kept.some(each => each.table === table.name))) {
    for (const column of columns.filter(({ type }) => type === 'oid' || /(^|\.)lo$/.test(type))) {
      named.push(
        `select t.${escapeIdentifier(column.name)}::oid from only ${name} t join ${keptTable} k on k.tab = ${oid} and k.tid = t.ctid`,
      )
    }
  }
  const stays =
    named.length === 0 ? '' : `and oid not in (select n from (${named.join(' union all ')}) s(n) where n is not null)`
  await session.query(
    `select lo_unlink(oid) from pg_largeobject_metadata where pg_has_role(lomowner, 'member') ${stays}`,
  )
  for (const { oid, content } of await source.largeObjects()) {
    await session.query(
      'select lo_from_bytea($1::oid, $2::bytea) where not exists (select from pg_largeobject_metadata where oid = $1::oid)',
      [oid, content],
    )
  }
}
