import type { Client } from 'pg'

/** Of a pooler, as a client finds it. */
export type PoolMode = 'session' | 'transaction' | 'statement'

/**
 * Finds out how long a pooler leaves a session of the server to a client, without its console. In session mode the first
 * client has the same one whatever the second does; otherwise the second, which begins a transaction, is given the very one
 * that the first has just used. Other clients may come in between, hence three times.
 *
 * @param first connected, and at rest
 * @param second connected, too
 */
export async function poolModeOf(first: Client, second: Client): Promise<PoolMode> {
  for (let time = 0; time < 3; time++) {
    const before = await processOf(first)
    try {
      await second.query('begin')
    } catch (error) {
      // "transaction blocks not allowed in statement pooling mode"
      if (/statement pool/.test((error as Error).message)) return 'statement'
      throw error
    }
    const ofSecond = await processOf(second)
    const after = await processOf(first)
    await second.query('rollback')
    if (before !== after || ofSecond === before) return 'transaction'
  }
  return 'session'
}

async function processOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid')
  return rows[0]!.pid
}
