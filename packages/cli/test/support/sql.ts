import type { PostgresForTests } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'

/**
 * Runs SQL on a server as its superuser, each time on a connection of its own.
 *
 * @param server which there is when the SQL is run
 * @example
 * const run = sqlOn(() => server)
 * await run('drop table users', 'shop_test')
 */
export function sqlOn(server: () => PostgresForTests) {
  return async <Row>(sql: string, database = 'postgres'): Promise<Row[]> => {
    const client = new Client(server().urlFor({ database }))
    await client.connect()
    try {
      const { rows } = await client.query(sql)
      return rows as Row[]
    } finally {
      await client.end()
    }
  }
}
