import { fileURLToPath } from 'node:url'
import { loadFailure } from '../config/load-failure.js'
import { loadTranspiled } from '../config/load-module.js'
import { SeedbedError } from '@seedbed/environments/errors'
import { isSeed, seedKey, type SeedTools } from './define-seed.js'
import { seedErrors } from './errors.js'
import { shownPath } from './find-seeds.js'
import type { RowKey } from './insert-rows.js'
import { jsonOfValue } from './json-of-value.js'
import { readRowsByKey, type LabelledRow } from './labelled-rows.js'
import { loadRows } from './load-rows.js'
import { underSavepoint, type Queryable } from './queryable.js'
import { readTables, type Table } from './read-tables.js'
import { plainText } from './row-values.js'
import type { SeedRow, SeedTable } from './seed-rows.js'

/**
 * Loads a seed in code and runs it on a connection that is inside a transaction. It is loaded anew each time, with all
 * that it imports, so that watch mode sees what has changed.
 *
 * @returns the rows that it labels
 * @throws SEED_NOT_A_SEED, SEED_FAILED, SEED_LABEL_WITHOUT_ROW, and those of `insert`
 */
export async function runSeedModule(db: Queryable, file: string, folder: string): Promise<LabelledRow[]> {
  const shown = shownPath(folder, file)
  /** Where a statement stands that the server has refused: its error does not tell. */
  const statements = new WeakMap<object, string>()
  const failed = async (error: unknown) => {
    if (error instanceof SeedbedError) return error
    const at = error instanceof Error ? statements.get(error) : undefined
    const reason = at ? (error as Error).message : await loadFailure(error, file)
    return seedErrors.SEED_FAILED({ at: at ?? shown, reason }, { cause: error })
  }

  const exported = await loadDefault(file).catch(async error => {
    throw await failed(error)
  })
  if (!isSeed(exported)) throw seedErrors.SEED_NOT_A_SEED({ file: shown, found: describe(exported) })

  const origins = new WeakMap<object, { table: Table; key: RowKey }>()
  const takeTurn = turns()
  let ended = false
  const inTurn: typeof takeTurn = run => {
    const reason = 'a statement was sent after its function had ended: look for a missing await'
    return ended ? Promise.reject(seedErrors.SEED_FAILED({ at: shown, reason })) : takeTurn(run)
  }
  const tools: SeedTools = {
    db: {
      async query(text, values) {
        const at = callerOf(new Error(), folder)
        return inTurn(() => db.query(text, values)).catch((error: unknown) => {
          if (at && error instanceof Error) statements.set(error, at)
          throw error
        })
      },
    },
    insert: (async (name: string, rows: object | readonly object[]) => {
      const at = callerOf(new Error(), folder) ?? shown
      const inserted = await inTurn(() =>
        underSavepoint(db, 'seedbed_insert', () => insert(db, name, [rows].flat(), at)),
      )
      for (const { row, table, key } of inserted) origins.set(row, { table, key })
      return Array.isArray(rows) ? inserted.map(({ row }) => row) : inserted[0]!.row
    }) as SeedTools['insert'],
  }
  const labels: unknown = await (async () => exported[seedKey](tools))().catch(async error => {
    throw await failed(error)
  })
  ended = true
  // what was sent without an await comes to its end as well
  await takeTurn(() => Promise.resolve())
  return labelsOf(db, labels, origins, shown)
}

async function loadDefault(file: string): Promise<unknown> {
  const module = await loadTranspiled(file)
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : module
}

/** Statements of one connection must not run into each other's savepoints, whatever a seed does at once. */
function turns(): <Result>(run: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve()
  return run => {
    const result = last.then(run)
    last = result.catch(() => {})
    return result
  }
}

interface InsertedRow {
  row: Record<string, unknown>
  table: Table
  key: RowKey
}

async function insert(db: Queryable, name: string, rows: readonly object[], at: string): Promise<InsertedRow[]> {
  if (rows.length === 0) return []
  const [part] = await loadRows(db, [asSeedTable(name, rows, at)], () => true)
  const { table, keys } = part!
  const wanted = keys.map((key, index) => ({ key, label: undefined, at: () => placeOfRow(at, index, rows.length) }))
  const found = await readRowsByKey(table, wanted, async (sql, values) => (await db.query(sql, values)).rows)
  return found.map((row, index) => ({ row, table, key: keys[index] }))
}

/** Values in JavaScript as a text of rows, like a JSON seed's. */
function asSeedTable(name: string, values: readonly object[], at: string): SeedTable {
  let text = ''
  const starts: number[] = []
  const source = {
    get text() {
      return text
    },
    place: (offset: number) =>
      placeOfRow(
        at,
        Math.max(
          0,
          starts.findLastIndex(start => start <= offset),
        ),
        values.length,
      ),
  }
  const rows = values.map((row, index): SeedRow => {
    starts.push(text.length)
    if (!isRecord(row)) {
      const wanted = `insert('${name}', …) to be given rows, { column: value }`
      throw seedErrors.SEED_WRONG_SHAPE({ at: placeOfRow(at, index, values.length), wanted, found: describe(row) })
    }
    const entries = Object.entries(row).flatMap(([column, value]) => {
      const json = jsonOf(value, name, column, placeOfRow(at, index, values.length))
      return json === undefined ? [] : [[column, json] as const]
    })
    const start = text.length
    text += `{${entries.map(([column, json]) => `${JSON.stringify(column)}:${json}`).join(',')}}`
    return { source, start, end: text.length, columns: entries.map(([column]) => column) }
  })
  return { name, source, offset: 0, rows }
}

function jsonOf(value: unknown, table: string, column: string, at: string): string | undefined {
  try {
    return jsonOfValue(value)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const { message: reason } = error
    throw seedErrors.SEED_BAD_VALUE(
      { at, table, column, type: undefined, value: String(value), reason },
      { cause: error },
    )
  }
}

function placeOfRow(at: string, index: number, count: number): string {
  return count === 1 ? at : `${at} (row ${index + 1} of ${count})`
}

/** The place that called the function which made the error: `seeds/users.ts:12`. */
function callerOf({ stack = '' }: Error, folder: string): string | undefined {
  const place = /^(?:.*\()?(.+?):(\d+):\d+\)?$/.exec(stack.split('\n')[2]?.replace(/^\s*at (async )?/, '') ?? '')
  if (!place) return undefined
  const path = place[1]!.startsWith('file:') ? fileURLToPath(place[1]!) : place[1]!
  return `${shownPath(folder, path)}:${place[2]}`
}

async function labelsOf(
  db: Queryable,
  labels: unknown,
  origins: WeakMap<object, { table: Table; key: RowKey }>,
  shown: string,
): Promise<LabelledRow[]> {
  if (labels === undefined || labels === null) return []
  if (!isRecord(labels) || !Object.values(labels).every(isRecord)) {
    throw seedErrors.SEED_NOT_A_SEED({ file: shown, found: `a function that returns ${describe(labels)}` })
  }
  const found = await readTables(db, Object.keys(labels))
  return Object.entries(labels).flatMap(([name, rows]) => {
    const result = found.get(name)!
    if (!('table' in result)) {
      throw result.not === 'there'
        ? seedErrors.SEED_UNKNOWN_TABLE({ at: shown, table: name, near: result.near })
        : seedErrors.SEED_NOT_A_TABLE({ at: shown, table: name, kind: result.kind })
    }
    const { table } = result
    return Object.entries(rows as Record<string, unknown>).map(([label, row]) => {
      const key = keyOf(row, table, origins)
      if (!key)
        throw seedErrors.SEED_LABEL_WITHOUT_ROW({ file: shown, table: table.name, label, keys: table.primaryKey })
      return { table, label, key, at: () => shown }
    })
  })
}

/** How to find a row that a seed returns: as `insert` answered it, or by the primary key that it has. */
function keyOf(row: unknown, table: Table, origins: WeakMap<object, { table: Table; key: RowKey }>): RowKey {
  if (!isRecord(row)) return undefined
  const origin = origins.get(row)
  if (origin) return origin.table.oid === table.oid ? origin.key : undefined
  const key = table.primaryKey.map(name => (row[name] === null ? undefined : jsonOfValue(row[name])))
  return key.length > 0 && key.every(json => json !== undefined) ? key.map(plainText) : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
