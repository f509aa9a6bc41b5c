import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from, to } from 'pg-copy-streams'

const rows = 100_000
const line = n => `${n}\tItem ${n} of many\t${n}.50\t2026-01-02 00:00:00+00\n`
/** As a file is read: 64 KiB at a time, or a little more. */
const chunks = Array.from({ length: rows / 1_000 }, (_, thousand) =>
  Buffer.from(Array.from({ length: 1_000 }, (_, index) => line(thousand * 1_000 + index)).join('')),
)
const allBytes = chunks.reduce((sum, { length }) => sum + length, 0)

/** COPY … FROM STDIN of 100,000 rows. The table goes with its transaction, so that every time is the first. */
export async function copyIn(client) {
  await client.query('begin')
  await client.query('create table incoming (id int, name text, price numeric, moment timestamptz)')
  const stream = client.query(from('copy incoming from stdin'))
  await pipeline(Readable.from(chunks), stream)
  if (stream.rowCount !== rows) throw new Error(`${stream.rowCount} rows were copied`)
  await client.query('rollback')
}

/** COPY … TO STDOUT of the same rows. Its stream ends before the tag with their number comes. */
export async function copyOut(client) {
  const columns = "n, 'Item ' || n || ' of many', n || '.50', '2026-01-02 00:00:00+00'"
  const stream = client.query(to(`copy (select ${columns} from generate_series(0, ${rows - 1}) n) to stdout`))
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.length
  if (bytes !== allBytes) throw new Error(`${bytes} bytes were copied`)
}
