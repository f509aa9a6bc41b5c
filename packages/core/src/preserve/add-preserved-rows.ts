import type { Client, DatabaseError } from 'pg'
import { asText, textSettings } from '../reset/as-text.js'
import { readCatalog, type Catalog, type Table } from '../reset/catalog.js'
import { insertTexts } from '../reset/insert-texts.js'
import { joined } from '../reset/kept-rows.js'
import { loadPg } from '../server/load-pg.js'
import { preserveErrors } from './errors.js'
import type { PreservedRows } from './preserved-rows.js'

/** A row of the seeds that gave way, and the one that has its unique value now: `tableoid`, `ctid` and the primary key, as texts. */
export interface GaveWay {
  /** Of the whole partition tree. */
  root: number
  was: Record<string, string>
  now: Record<string, string>
}

/** A table that preserved rows come into, which stand in a temporary one first. */
interface Into {
  table: Table
  temporary: string
}

/**
 * Adds preserved rows to a database that is as its seeds leave it, in the caller's transaction. Where a row of the seeds has the same
 * key, the preserved one takes its place; where it has the same unique value, it gives way.
 *
 * @param client as the role that owns the tables
 * @throws SeedbedError PRESERVE_BREAKS_SEEDS: a row of the seeds refers to one that would give way, or a constraint allows only one of two
 */
export async function addPreservedRows(client: Client, { tables }: PreservedRows): Promise<GaveWay[]> {
  const putBack = await rememberSettings(client)
  await client.query(`set local search_path = pg_catalog, pg_temp; ${asText.replaceAll('set ', 'set local ')}`)
  const catalog = await readCatalog(client)
  const all = await takeRows(client, tables, catalog)
  // Keys are compared with those that the seeds have noted, under the same settings.
  await putBack(textSettings)
  const acting = all.flatMap(({ table }) => table.acting)
  for (const { stop } of acting) await client.query(stop)
  await findGivingWay(client, all)
  await refuseBroken(client, catalog, all)
  const gaveWay = await explained(async () => {
    await inOne(client, all.map(deleteSql))
    await inOne(client, all.flatMap(upsertSql))
    await client.query('set constraints all immediate')
    return readGaveWay(client, all)
  })
  for (const { restore } of acting) await client.query(restore)
  await advanceSequences(client, catalog, all)
  await putBack(['search_path'])
  return gaveWay
}

/** What is set now is set again, until the transaction ends. */
async function rememberSettings(client: Client): Promise<(names: readonly string[]) => Promise<void>> {
  const { rows } = await client.query<{ name: string; value: string }>(
    'select name, pg_catalog.current_setting(name) as value from pg_catalog.unnest($1::pg_catalog.text[]) name',
    [['search_path', ...textSettings]],
  )
  return async names => {
    for (const { name, value } of rows.filter(row => names.includes(row.name))) {
      await client.query('select pg_catalog.set_config($1, $2, true)', [name, value])
    }
  }
}

async function takeRows(client: Client, tables: PreservedRows['tables'], catalog: Catalog): Promise<Into[]> {
  const known = new Map(catalog.tables.map(table => [table.name, table]))
  const all: Into[] = []
  for (const [index, { name, columns, rows }] of tables.entries()) {
    const table = known.get(name)
    if (!table) continue
    const temporary = `seedbed_preserved_${index}`
    await client.query(`create temporary table ${temporary} on commit drop as select * from only ${name} with no data`)
    const wanted = table.columns.filter(({ name }) => columns.some(column => column.name === name))
    await insertTexts(client, `pg_temp.${temporary}`, { given: columns, wanted, rows })
    all.push({ table, temporary: `pg_temp.${temporary}` })
  }
  return all
}

/** Rows of the seeds that give way: where they are, what they were, and by which index (`place`) to which preserved row (`by`). */
const givingWay = 'pg_temp.seedbed_giving_way'

async function findGivingWay(client: Client, all: readonly Into[]): Promise<void> {
  await client.query(
    `create temporary table seedbed_giving_way (tab oid, tid tid, was text, place int, by tid, primary key (tab, tid)) on commit drop`,
  )
  for (const { table, temporary } of all) {
    for (const [place, unique] of table.unique.entries()) {
      await client.query(
        `insert into ${givingWay} select t.tableoid, t.ctid, ${whereabouts(table)}, ${place}, p.ctid
          from only ${table.name} t join ${temporary} p on ${equal(unique)} where not (${sameKey(table)}) on conflict do nothing`,
      )
    }
  }
}

/** Before anything is deleted: ON DELETE CASCADE and SET NULL would take along, or change, what refers to it. */
async function refuseBroken(client: Client, { tables, references }: Catalog, all: readonly Into[]): Promise<void> {
  const from = new Map(tables.map(table => [table.oid, table]))
  for (const reference of references) {
    const to = all.find(({ table }) => table.oid === reference.to)
    const source = from.get(reference.from)!
    if (!to) continue
    const replacing = all.find(({ table }) => table === source)
    const replaced = replacing
      ? `and not exists (select from ${replacing.temporary} p where ${sameKey(source, 'f')})`
      : ''
    const { rows } = await client.query<{ was: string }>(
      `select g.was from ${givingWay} g join only ${to.table.name} t on t.tableoid = g.tab and t.ctid = g.tid
        join only ${source.name} f on ${joined(reference)}
        where not exists (select from ${givingWay} o where o.tab = f.tableoid and o.tid = f.ctid) ${replaced} limit 1`,
    )
    if (rows.length === 0) continue
    const { tableoid: _, ctid, ...key } = JSON.parse(rows[0]!.was) as Record<string, string>
    const named = Object.entries(to.table.key.length > 0 ? key : { ctid }).map(([name, value]) => `${name}=${value}`)
    throw preserveErrors.PRESERVE_BREAKS_SEEDS({
      ...{ table: source.name, constraint: reference.constraint },
      reason: `they refer to ${to.table.name} (${named.join(', ')}), which gives way to a preserved row with the same unique value.`,
    })
  }
}

async function explained<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (cause) {
    const { code, message, detail, schema, table, constraint } = cause as DatabaseError
    if (!code?.startsWith('23')) throw cause
    throw preserveErrors.PRESERVE_BREAKS_SEEDS(
      { table: `${schema}.${table}`, constraint: constraint ?? '', reason: detail ?? message },
      { cause },
    )
  }
}

/** One statement: what refers to what is checked at its end. */
async function inOne(client: Client, statements: readonly string[]): Promise<void> {
  const parts = statements.map((sql, index) => `s${index} as (${sql})`)
  if (parts.length > 0) await client.query(`with ${parts.join(', ')} select`)
}

const deleteSql = ({ table: { name } }: Into) =>
  `delete from only ${name} t using ${givingWay} g where g.tab = t.tableoid and g.tid = t.ctid`

function upsertSql({ table, temporary }: Into): string[] {
  const { escapeIdentifier } = loadPg()
  const list = table.columns.map(({ name }) => escapeIdentifier(name)).join(', ')
  // Of the key nothing changes, and an identity that is always generated may not be written by UPDATE.
  const changed = table.columns.filter(({ name, always }) => !table.key.includes(name) && !always)
  const sets = changed.map(({ name }) => `${escapeIdentifier(name)} = p.${escapeIdentifier(name)}`).join(', ')
  return [
    ...(sets === '' ? [] : [`update only ${table.name} t set ${sets} from ${temporary} p where ${sameKey(table)}`]),
    `insert into ${table.name} (${list}) overriding system value select ${list} from ${temporary} p
      where not exists (select from only ${table.name} t where ${sameKey(table)})`,
  ]
}

async function readGaveWay(client: Client, all: readonly Into[]): Promise<GaveWay[]> {
  const found: GaveWay[] = []
  for (const { table, temporary } of all) {
    for (const [place, unique] of table.unique.entries()) {
      const { rows } = await client.query<{ root: string; was: string; now: string }>(
        `select coalesce(pg_partition_root(g.tab)::oid, g.tab)::text as root, g.was, ${whereabouts(table)} as now
          from ${givingWay} g join ${temporary} p on p.ctid = g.by join only ${table.name} t on ${equal(unique)}
          where g.tab = ${table.oid} and g.place = ${place}`,
      )
      found.push(
        ...rows.map(({ root, was, now }) => ({
          root: Number(root),
          was: JSON.parse(was) as GaveWay['was'],
          now: JSON.parse(now) as GaveWay['now'],
        })),
      )
    }
  }
  return found
}

/** Not before where they stand: a sequence that is put back starts from there. */
async function advanceSequences(client: Client, { sequences }: Catalog, all: readonly Into[]): Promise<void> {
  const { escapeIdentifier } = loadPg()
  for (const { name, column } of sequences) {
    const into = all.find(({ table }) => table.oid === column?.table)
    if (!into) continue
    const highest = `(select max(${escapeIdentifier(column!.name)})::int8 from only ${into.table.name})`
    await client.query(
      `select setval($1::regclass, greatest(s.last_value, ${highest}), s.is_called or coalesce(${highest} >= s.last_value, false)) from ${name} s`,
      [name],
    )
  }
}

/** Of a row of the table, `t` if nothing else is said, and a preserved one, `p`. */
const equal = (names: readonly string[], row = 't') =>
  names
    .map(loadPg().escapeIdentifier)
    .map(name => `${row}.${name}::text = p.${name}::text`)
    .join(' and ')

const sameKey = ({ key }: Table, row?: string) => (key.length === 0 ? 'false' : equal(key, row))

const whereabouts = ({ key }: Table) => {
  const { escapeIdentifier, escapeLiteral } = loadPg()
  const parts = ['tableoid', 'ctid', ...key].map(name => `${escapeLiteral(name)}, t.${escapeIdentifier(name)}::text`)
  return `json_build_object(${parts.join(', ')})::text`
}
