import { urlParts } from '@seedbed/environments'
import { loadPg } from '../server/load-pg.js'
import { CannotCheck, ok, warning, type Check, type Found } from './finding.js'
import type { Ask } from './shared.js'
import { sizeInWords } from './size-in-words.js'

export const checkSessions: Check = {
  name: 'sessions',
  about:
    'On the tests’ server: sessions in databases of runs that are gone, sessions idle in a transaction for five minutes, prepared transactions, and replication slots that nobody reads',
  async *run(shared) {
    const { testUrl, test: environment } = await shared.project()
    if (testUrl === undefined)
      throw new CannotCheck('Seedbed makes the tests’ server itself, and ends it with the last run')
    const { ask, templates } = await shared.testServer()
    const strays = (await (await templates())?.listStrays()) ?? []
    const found: Found[] = [
      ...strays.map(({ pid, role, application, database }) =>
        warning(`${of(application, role, pid)} is in ${database}, whose run is gone`, {
          why: 'The database cannot be dropped while somebody is in it.',
          wayOut: [endOf(pid)],
        }),
      ),
      ...(await idleInTransaction(ask, 5)),
      ...(await preparedTransactions(ask)),
      ...(await idleSlots(ask)),
    ]
    for (const each of found) yield { ...each, environment }
    if (found.length === 0) yield ok(`nobody is left over on ${urlParts(testUrl).host}`, { environment })
  },
}

const of = (application: string, role: string, pid: number) => `${application || 'a session'} of ${role} (pid ${pid})`
const endOf = (pid: number) => `SELECT pg_terminate_backend(${pid});`

/** Those that may hold back others: with a transaction that does nothing. */
export async function idleInTransaction(ask: Ask, minutes: number): Promise<Found[]> {
  const rows = await ask<{ pid: number; role: string; application: string; database: string; age: string }>(
    `select pid, usename::text as role, application_name as application, datname::text as database,
        date_trunc('second', now() - state_change)::text as age
       from pg_catalog.pg_stat_activity
      where state like 'idle in transaction%' and state_change <= now() - $1 * interval '1 minute' and datname is not null
      order by state_change limit 20`,
    [minutes],
  )
  return rows.map(({ pid, role, application, database, age }) =>
    warning(`${of(application, role, pid)} has been idle in a transaction in ${database} for ${age}`, {
      why: 'Its locks hold back migrations and resets, and dead rows stay in every table.',
      wayOut: ['End it where it was begun, or:', endOf(pid)],
    }),
  )
}

async function preparedTransactions(ask: Ask): Promise<Found[]> {
  const rows = await ask<{ gid: string; database: string; owner: string }>(
    'select gid, database::text as database, owner::text as owner from pg_catalog.pg_prepared_xacts order by prepared limit 20',
  )
  return rows.map(({ gid, database, owner }) =>
    warning(`the prepared transaction ${gid} of ${owner} waits in ${database}`, {
      why: 'It outlives its session and the server, with its locks, and the database cannot be dropped.',
      wayOut: [`In ${database}: ROLLBACK PREPARED ${loadPg().escapeLiteral(gid)};`],
    }),
  )
}

async function idleSlots(ask: Ask): Promise<Found[]> {
  const rows = await ask<{ name: string; bytes: string | null }>(
    `select slot_name::text as name,
        (case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn) end)::text as bytes
       from pg_catalog.pg_replication_slots where not active order by slot_name limit 20`,
  )
  return rows.map(({ name, bytes }) =>
    warning(`nobody reads the replication slot ${name}, which holds ${sizeInWords(Number(bytes ?? 0))} of WAL`, {
      why: 'The server keeps all that was written since, until its disk is full.',
      wayOut: [`SELECT pg_drop_replication_slot(${loadPg().escapeLiteral(name)});`],
    }),
  )
}
