import { getNodeValue, parseTree, type Node } from 'jsonc-parser'
import { seedErrors } from './errors.js'
import type { TableRows } from './insert-rows.js'
import { nearest } from './nearest.js'
import type { Queryable } from './queryable.js'
import { compositeBeneathSql, readJson } from './read-tables.js'
import { rowValues } from './row-values.js'

/**
 * Looks for fields that a composite type does not have: the server would pass over them, and lose what they hold.
 * Costs nothing where no row has a value of such a type.
 *
 * @throws SEED_UNKNOWN_FIELD with line and column of the field's name
 */
export async function checkFields(db: Queryable, { table, rows }: TableRows): Promise<void> {
  const composite = [...table.columns.values()].filter(column => column.composite !== null)
  const holders = composite.filter(({ name }) => rows.some(row => row.columns.includes(name)))
  if (holders.length === 0) return
  const types = await compositeTypes(
    db,
    holders.map(column => column.composite!),
  )
  for (const row of rows) {
    for (const column of holders) {
      const value = row.columns.includes(column.name) ? rowValues(row).get(column.name) : undefined
      if (!value || value.text === 'null') continue
      const unknown = unknownField(parseTree(value.text)!, column.composite!, types)
      if (!unknown) continue
      throw seedErrors.SEED_UNKNOWN_FIELD({
        at: row.source.place(value.offset + unknown.offset),
        table: table.name,
        column: column.name,
        type: unknown.type.name,
        field: unknown.field,
        near: nearest(unknown.field, unknown.type.fields.keys()),
        fields: [...unknown.type.fields.keys()],
      })
    }
  }
}

interface CompositeType {
  name: string
  /** Field → the composite type that its own type leads to, or null. */
  fields: Map<string, number | null>
}

/** The types and those of their fields, and so on. */
async function compositeTypes(db: Queryable, oids: readonly number[]): Promise<Map<number, CompositeType>> {
  const types = new Map<number, CompositeType>()
  let pending = [...oids]
  while (pending.length > 0) {
    const found = await readJson<{ oid: number; name: string; fields: { name: string; composite: number | null }[] }[]>(
      db,
      compositeTypesSql,
      [pending],
    )
    for (const { oid, name, fields } of found) {
      types.set(oid, { name, fields: new Map(fields.map(field => [field.name, field.composite])) })
    }
    pending = found
      .flatMap(({ fields }) => fields.flatMap(({ composite }) => composite ?? []))
      .filter(oid => !types.has(oid))
  }
  return types
}

/** The first one, arrays of the type included. A value in another form is the server's to read or to refuse. */
function unknownField(
  value: Node,
  oid: number,
  types: Map<number, CompositeType>,
): { type: CompositeType; field: string; offset: number } | undefined {
  const children = value.children ?? []
  if (value.type === 'array') return firstOf(children, element => unknownField(element, oid, types))
  if (value.type !== 'object') return undefined
  const type = types.get(oid)!
  return firstOf(children, property => {
    const [name, inner] = property.children! as [Node, Node]
    const field = String(getNodeValue(name))
    const composite = type.fields.get(field)
    if (composite === undefined) return { type, field, offset: name.offset }
    return composite === null ? undefined : unknownField(inner, composite, types)
  })
}

function firstOf<Item, Result>(items: Item[], find: (item: Item) => Result | undefined): Result | undefined {
  for (const item of items) {
    const found = find(item)
    if (found) return found
  }
  return undefined
}

const compositeTypesSql = `
  select coalesce(json_agg(json_build_object(
    'oid', t.oid::int8,
    'name', format_type(t.oid, null),
    'fields', (
      select json_agg(json_build_object('name', a.attname, 'composite', ${compositeBeneathSql('a.atttypid')}) order by a.attnum)
      from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped))), '[]')::text as answer
  from pg_type t where t.oid = any($1::oid[])`
