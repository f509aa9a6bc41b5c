/** `node writers.mjs URL…`: a session for each database, which writes and commits until the process is killed. */
import pg from 'pg'

const clients = process.argv.slice(2).map(connectionString => new pg.Client({ connectionString }))
await Promise.all(clients.map(client => client.connect()))
process.send('ready')
await Promise.all(
  clients.map(async client => {
    for (let n = 0; ; n++) await client.query(`insert into t${n % 12} (v) values ('written')`)
  }),
)
