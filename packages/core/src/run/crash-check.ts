import { loadPg } from '../server/load-pg.js'

/*
 * A server that recovers from a crash empties unlogged tables (manual, CREATE TABLE, UNLOGGED), those of worker databases
 * too, while the run goes on. It forgets its statistics with it, and begins them anew: so the moment at which those of the
 * background writer began tells of a crash, to any role, whether the whole server went or one process of it.
 */
const began = 'select extract(epoch from stats_reset)::text as began from pg_catalog.pg_stat_bgwriter'

const problem =
  'The server has crashed since this run began, and has emptied the unlogged tables of this database: no test can start on it. The next run has another.'

/**
 * A query by which a session finds out that the server has crashed since now, for databases with unlogged tables. Asked
 * before they are cloned: a crash in between is told for nothing.
 *
 * @param url of the server, for any role
 */
export async function crashCheck(url: string): Promise<string> {
  const { Client, escapeLiteral } = loadPg()
  const client = new Client({ connectionString: url, application_name: 'seedbed' })
  await client.connect()
  try {
    const { rows } = await client.query<{ began: string | null }>(began)
    const before = rows[0]!.began === null ? 'null' : escapeLiteral(rows[0]!.began)
    return `select ${escapeLiteral(problem)} where (${began}) is distinct from ${before}`
  } finally {
    await client.end()
  }
}
