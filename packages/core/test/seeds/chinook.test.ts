import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { startPostgres } from '@seedbed/postgres-for-tests'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { loadSeeds } from '../../src/seeds/load-seeds.js'
import { database, texts } from './support.js'

const folder = fileURLToPath(new URL('../../../../../shared/data/chinook/', import.meta.url))
const there = existsSync(folder)
if (!there) console.warn(`Skipped: the data of Chinook is not at ${folder}`)

const inOrder =
  'artist album genre media_type track employee customer invoice invoice_line playlist playlist_track'.split(' ')

describe.skipIf(!there).each([15, 18] as const)('Chinook on PostgreSQL %i', version => {
  test('is in the database as plain INSERTs in a right order would have put it', async () => {
    await using server = await startPostgres({ version })
    const schema = await readFile(`${folder}schema.sql`, 'utf8')
    await using plain = await database(server, schema)
    await using seeded = await database(server, schema, 'owner_of_chinook')
    await insertPlainly(plain.client)

    const labels = await loadSeeds(seeded.client, [`${folder}seed.json`], { projectFolder: folder })

    expect(labels).toEqual({ tables: {} })
    const expected = await fingerprints(plain.client)
    expect(expected.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(15_607)
    expect(await fingerprints(seeded.client)).toEqual(expected)
  })
})

/** INSERT … VALUES with literals; employees from the first on, since they stand in reverse. */
async function insertPlainly(client: pg.Client): Promise<void> {
  const tables = JSON.parse(await readFile(`${folder}seed.json`, 'utf8')) as Record<
    string,
    Record<string, string | number | null>[]
  >
  for (const table of inOrder) {
    const rows = table === 'employee' ? tables[table]!.toReversed() : tables[table]!
    const columns = Object.keys(rows[0]!)
    for (let start = 0; start < rows.length; start += 1_000) {
      const values = rows
        .slice(start, start + 1_000)
        .map(row => `(${columns.map(column => literal(client, row[column])).join(', ')})`)
      await client.query(`insert into ${table} (${columns.join(', ')}) values ${values.join(', ')}`)
    }
  }
}

function literal(client: pg.Client, value: string | number | null | undefined): string {
  return value === null || value === undefined ? 'null' : client.escapeLiteral(String(value))
}

async function fingerprints(client: pg.Client): Promise<(string | null)[][]> {
  const each = inOrder.map(
    table => `select '${table}', count(*)::text, md5(string_agg(t::text, E'\\n' order by t::text)) from ${table} t`,
  )
  return texts(client, each.join(' union all '))
}
