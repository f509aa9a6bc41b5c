import type { PostgresMajor } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { expect } from 'vitest'
import { readCatalog, type Catalog } from '../../src/reset/catalog.js'
import type { ConflictRule } from '../../src/reset/conflicts.js'
import type { Mark } from '../../src/reset/kept-rows.js'
import { lookAtCatalog } from '../../src/reset/look-at-catalog.js'
import { putBack, type PutBack } from '../../src/reset/put-back.js'
import { readSource, type SeedSource } from '../../src/reset/seed-source.js'
import { rowsDigest } from '../../src/structure/rows-digest.js'
import { useServer } from '../migrations/project.js'

/** A server for a test file, and pairs of databases on it. */
export function usePairs(version: PostgresMajor = 15): (schema: string, seeds: string) => Promise<Pair> {
  const server = useServer(version)
  return async (schema, seeds) => makePair([await server.database(), await server.database()], schema, seeds)
}

/** A database that is as its seeds leave it, and another one that is to be. Both as an ordinary role. */
export interface Pair extends AsyncDisposable {
  /** The one to reset. */
  client: Client
  seed: Client
  reset(wishes?: Partial<Wishes>): Promise<PutBack>
  digests(): Promise<[string, string]>
  all<Row>(sql: string): Promise<Row[]>
}
interface Wishes {
  marks: Mark[]
  conflicts: ConflictRule
  triggers: boolean
  dryRun: boolean
  only: string[]
}

async function makePair(urls: [string, string], schema: string, seeds: string): Promise<Pair> {
  const [seed, client] = [await connected(urls[0]), await connected(urls[1])]
  for (const each of [seed, client]) {
    await each.query(schema)
    await each.query(seeds)
  }
  for (const each of [seed, client]) await each.query('set search_path = pg_catalog, pg_temp')
  return {
    ...{ client, seed },
    async reset({ marks = [], conflicts = 'keep', triggers = false, dryRun = false, only } = {}) {
      const source: Omit<SeedSource, typeof Symbol.asyncDispose | 'labels'> = await readSource(seed)
      const looked = await lookAtCatalog(client)
      const choose = ({ tables }: Catalog) => tables.filter(({ name }) => !only || only.includes(name))
      return putBack(client, source as SeedSource, { looked, choose, marks, conflicts, triggers, dryRun })
    },
    digests: async () => [await rowsDigest(seed), await rowsDigest(client)],
    async all<Row>(sql: string) {
      const { rows } = await client.query(sql)
      return rows as Row[]
    },
    async [Symbol.asyncDispose]() {
      await seed.end()
      await client.end()
    },
  }
}

async function connected(url: string): Promise<Client> {
  const client = new Client(url)
  client.on('error', () => {}) // the server ends while a failed test's is open
  await client.connect()
  return client
}

/** Rows of all tables alike; sequences may stand elsewhere by name, and give the same next number. */
export async function rowsAlike({ client, seed }: Pair): Promise<boolean> {
  const state = async (db: Client) => {
    await db.query('set row_security = off')
    const { tables, sequences, materialisedViews } = await readCatalog(db)
    const found: unknown[] = []
    for (const { name, acting } of tables) {
      for (const { kind, stop } of acting) if (kind === 'row security') await db.query(stop)
      found.push([name, (await db.query(`select (r.*)::text as row from only ${name} r order by 1`)).rows])
      for (const { kind, restore } of acting) if (kind === 'row security') await db.query(restore)
    }
    for (const view of materialisedViews) found.push((await db.query(`select (r.*)::text as row from ${view} r`)).rows)
    for (const { name } of sequences) {
      const { rows } = await db.query(
        `select last_value + case when is_called then (select seqincrement from pg_sequence where seqrelid = '${name}'::regclass) else 0 end as next from ${name}`,
      )
      found.push([name, rows])
    }
    return JSON.stringify(found)
  }
  const [wanted, found] = [await state(seed), await state(client)]
  expect(JSON.parse(found)).toEqual(JSON.parse(wanted))
  return true
}
