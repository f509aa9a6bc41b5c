import { startPostgres } from '@seedbed/postgres-for-tests'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { asText, database, load, refusal, type TestDatabase } from './support.js'

/** A table `t<index>` with an id, a text, a column with a default, and references `r<n>` to any table, itself included. */
interface TableShape {
  references: { target: number; required: boolean }[]
}
type Row = Record<string, number | string | null>
interface Case {
  tables: TableShape[]
  /** Table and row, in the order of loading: neither satisfies the references. */
  rows: { table: number; row: Row }[]
  /** How many of the rows are in the first of two files. */
  cut: number
}

const cases: fc.Arbitrary<Case> = fc.integer({ min: 1, max: 5 }).chain(count =>
  fc
    .record({
      counts: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: count, maxLength: count }),
      references: fc.array(
        fc.array(fc.record({ target: fc.nat(count - 1), required: fc.boolean() }), { maxLength: 3 }),
        { minLength: count, maxLength: count },
      ),
    })
    .chain(({ counts, references }) => {
      const rows = counts.flatMap((rows, table) =>
        Array.from({ length: rows }, (_, index) => {
          const picks = references[table]!.map(({ target, required }) => {
            const existing = fc.integer({ min: 1, max: counts[target]! })
            return required ? existing : fc.option(existing, { nil: null })
          })
          return fc
            .record({
              picks: fc.tuple(...picks),
              text: fc.option(
                fc.string({ unit: 'grapheme', maxLength: 4 }).filter(text => !text.includes('\0')),
                { nil: null },
              ),
              given: fc.option(fc.option(fc.integer({ min: 0, max: 9 }), { nil: null }), { nil: undefined }),
              leaveOutNull: fc.boolean(),
            })
            .map(({ picks, text, given, leaveOutNull }) => {
              const row: Row = { id: index + 1 }
              for (const [n, pick] of picks.entries()) if (pick !== null || !leaveOutNull) row[`r${n}`] = pick
              if (text !== null || !leaveOutNull) row['text'] = text
              if (given !== undefined) row['filled'] = given
              return { table, row }
            })
        }),
      )
      return fc.tuple(...rows).chain(all =>
        fc.record({
          tables: fc.constant(references.map(references => ({ references }))),
          rows: fc.shuffledSubarray(all, { minLength: all.length }),
          cut: fc.nat(all.length),
        }),
      )
    }),
)

test('whatever refers to what, the seeds load as plain INSERTs would have without the references', async () => {
  await using server = await startPostgres({ version: 18 })
  await using db = await database(server, '', 'any_owner')
  let runs = 0
  // a failure prints the seed and the path with which fc.assert repeats it
  await fc.assert(
    fc.asyncProperty(cases, async ({ tables, rows, cut }) => {
      runs += 1
      const files = {
        '1.json': byTable(rows.slice(0, cut)),
        '2.json': byTable(rows.slice(cut)),
      }
      const plain = await inSchema(db, `plain_${runs}`, async () => {
        await db.client.query(tables.map((_, index) => createTable(index, tables[index]!)).join(';'))
        for (const { table, row } of rows) {
          const columns = Object.keys(row)
          const values = columns.map((_, index) => `$${index + 1}`)
          await db.client.query(
            `insert into t${table} (${columns.join(', ')}) values (${values.join(', ')})`,
            Object.values(row),
          )
        }
        return contents(db, tables.length)
      })
      const seeded = await inSchema(db, `seeded_${runs}`, async () => {
        await db.client.query(tables.map((_, index) => createTable(index, tables[index]!)).join(';'))
        const references = tables.flatMap(({ references }, table) =>
          references.map(({ target }, n) => `alter table t${table} add foreign key (r${n}) references t${target}`),
        )
        await db.client.query(references.join(';'))
        await refusesBroken(db, tables, rows, cut)
        await load(db.client, files)
        return contents(db, tables.length)
      })
      expect(seeded).toEqual(plain)
    }),
    { numRuns: 40 },
  )
})

/** The same seed with one reference that leads nowhere is refused with the very place of it, and leaves nothing. */
async function refusesBroken(db: TestDatabase, tables: TableShape[], rows: Case['rows'], cut: number): Promise<void> {
  const index = rows.findLastIndex(
    ({ table, row }) => tables[table]!.references.length > 0 && typeof row['r0'] === 'number',
  )
  if (index === -1) return
  const broken = rows.map((entry, at) => (at === index ? { ...entry, row: { ...entry.row, r0: 424_242 } } : entry))
  const texts = [byTable(broken.slice(0, cut)), byTable(broken.slice(cut))].map(file => JSON.stringify(file, null, 1))
  const file = index < cut ? 0 : 1
  const before = texts[file]!.slice(0, texts[file]!.indexOf('424242')).split('\n')
  const refused = await refusal(load(db.client, { '1.json': texts[0]!, '2.json': texts[1]! }))
  expect(refused.code).toBe('SEED_MISSING_REFERENCE')
  expect(refused.message.split(': ')[0]).toBe(`seeds/${file + 1}.json:${before.length}:${before.at(-1)!.length + 1}`)
  expect((await contents(db, tables.length)).flat()).toEqual([])
}

function createTable(index: number, { references }: TableShape): string {
  const columns = references.map(({ required }, n) => `, r${n} int ${required ? 'not null' : ''}`)
  return `create table t${index} (id int primary key, text text, filled int default 7${columns.join('')})`
}

function byTable(rows: Case['rows']): Record<string, Row[]> {
  const tables: Record<string, Row[]> = {}
  for (const { table, row } of rows) (tables[`t${table}`] ??= []).push(row)
  return tables
}

async function contents(db: TestDatabase, count: number): Promise<unknown[][]> {
  const tables = []
  for (let index = 0; index < count; index++) {
    tables.push((await db.client.query({ text: `select * from t${index} order by id`, types: asText })).rows)
  }
  return tables
}

async function inSchema<Result>(db: TestDatabase, name: string, run: () => Promise<Result>): Promise<Result> {
  await db.client.query(`create schema ${name}; set search_path = ${name}`)
  try {
    return await run()
  } finally {
    await db.client.query(`drop schema ${name} cascade`)
  }
}
