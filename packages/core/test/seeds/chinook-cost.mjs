// What loading Chinook costs beside the cheapest way there is: one INSERT … SELECT FROM jsonb_populate_recordset per
// table, in an order that is known beforehand. Both read and parse the file; both run in one transaction on the same
// server, in turns. Needs `npx tsc -b`. Usage: node test/seeds/chinook-cost.mjs [rounds] [15|16|17|18]
import { readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startPostgres } from '@seedbed/postgres-for-tests'
import pg from 'pg'
import { loadSeeds } from '../../dist/seeds/load-seeds.js'

const folder = fileURLToPath(new URL('../../../../../shared/data/chinook/', import.meta.url))
const seed = `${folder}seed.json`
if (!existsSync(seed)) throw new Error(`the data of Chinook is not at ${folder}`)
const rounds = Number(process.argv[2] ?? 15)
const version = Number(process.argv[3] ?? 18)
const order =
  'artist album genre media_type track employee customer invoice invoice_line playlist playlist_track'.split(' ')

const tmpfs = existsSync('/dev/shm') ? '/dev/shm' : undefined
const server = await startPostgres({ version, ...(tmpfs ? { under: tmpfs } : {}) })
try {
  const schema = await readFile(`${folder}schema.sql`, 'utf8')
  const admin = new pg.Client(server.url)
  await admin.connect()
  await admin.query('create database empty')
  const empty = new pg.Client(server.urlFor({ database: 'empty' }))
  await empty.connect()
  await empty.query(schema)
  await empty.end()

  const ways = {
    bare: async client => {
      const tables = JSON.parse(await readFile(seed, 'utf8'))
      await client.query('begin')
      for (const table of order) {
        const sql = `insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1)`
        await client.query(sql, [JSON.stringify(tables[table])])
      }
      await client.query('commit')
    },
    loadSeeds: client => loadSeeds(client, [seed], { projectFolder: folder }),
  }
  const times = { bare: [], loadSeeds: [] }
  for (let round = -2; round < rounds; round++) {
    for (const way of round % 2 === 0 ? ['bare', 'loadSeeds'] : ['loadSeeds', 'bare']) {
      await admin.query('drop database if exists round')
      await admin.query('create database round template empty')
      const client = new pg.Client(server.urlFor({ database: 'round' }))
      await client.connect()
      await client.query('select 1')
      const start = performance.now()
      await ways[way](client)
      const milliseconds = performance.now() - start
      if (round >= 0) times[way].push(milliseconds)
      await client.end()
    }
  }
  await admin.end()
  const median = list => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
  const ratios = times.loadSeeds.map((time, round) => time / times.bare[round])
  console.log(
    JSON.stringify({
      measure: 'chinook-cost',
      server: version,
      tmpfs: Boolean(tmpfs),
      rounds,
      bare_ms: Math.round(median(times.bare)),
      loadSeeds_ms: Math.round(median(times.loadSeeds)),
      ratio: Number(median(ratios).toFixed(2)),
      target: 3,
    }),
  )
} finally {
  await server.stop()
}
