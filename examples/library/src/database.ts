import { Pool, type PoolClient } from 'pg'

/** Opened when the application is loaded. */
export const pool = new Pool({ connectionString: process.env.DATABASE_URL })

/** Commits what `work` does, or nothing of it. */
export async function inTransaction<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}
