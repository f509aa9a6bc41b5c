import type { Client } from 'pg'
import { loadPg } from '../server/load-pg.js'
import { hasTable } from '../structure/has-table.js'
import type { Noted, Reader } from './migration-history.js'
import { sha256 } from './project-files.js'
import type { Bookkeeping } from './sql-plan.js'

/**
 * `seedbed.migrations`, for migrations whose tool keeps no book: plain SQL files, and commands. It stands in the databases of
 * environments beside the marker; templates and what is cloned from them have none. Every name is written with its schema,
 * since the application's search_path counts here.
 */
export const ownBookkeeping: Bookkeeping = {
  // A checkout on Windows may have other line ends.
  hash: ({ bytes }) => sha256(bytes.toString('utf8').replaceAll('\r\n', '\n')),
  read: readNotes,
  create: createNotes,
  steps: {
    begin: (client, { name, file }) => note(client, name, ownBookkeeping.hash(file), false),
    again: name => `delete from seedbed.migrations where name = ${loadPg().escapeLiteral(name)};`,
  },
  finish: (client, { name, file }) => note(client, name, ownBookkeeping.hash(file), true),
}

export async function readNotes(db: Reader): Promise<Noted[] | undefined> {
  if (!(await hasTable(db, 'seedbed', 'migrations'))) return undefined
  const noted = await db.query<Noted & { finished: unknown }>(
    `select name, hash, (finished_at is not null)::pg_catalog.text as finished from seedbed.migrations order by started_at, name`,
  )
  return noted.rows.map(row => ({ ...row, finished: String(row.finished) === 'true' }))
}

export async function createNotes(client: Client): Promise<void> {
  await client.query(`create table seedbed.migrations (
    name pg_catalog.text primary key,
    hash pg_catalog.text not null,
    started_at pg_catalog.timestamptz not null default pg_catalog.clock_timestamp(),
    finished_at pg_catalog.timestamptz
  )`)
}

export async function note(client: Client, name: string, hash: string, finished: boolean): Promise<void> {
  await client.query(
    `insert into seedbed.migrations (name, hash, finished_at)
      values ($1, $2, case when $3 then pg_catalog.clock_timestamp() end)
      on conflict (name) do update set hash = excluded.hash, finished_at = excluded.finished_at`,
    [name, hash, finished],
  )
}
