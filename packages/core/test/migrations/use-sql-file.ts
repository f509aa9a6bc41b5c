import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { runSqlFile, type SqlFile } from '../../src/migrations/run-sql-file.js'

/** Each test has a client in an empty database of its own, as superuser, and runs texts there as the file `a.sql`. */
export function useSqlFile() {
  let server: PostgresForTests
  let client: Client
  let number = 0

  beforeAll(async () => {
    server = await startPostgres({ version: 15 })
  })
  afterAll(() => server.stop())
  beforeEach(async () => {
    const database = `t${number++}`
    const admin = new Client(server.url)
    await admin.connect()
    await admin.query(`create database ${database}`)
    await admin.end()
    client = new Client(server.urlFor({ database }))
    await client.connect()
  })
  afterEach(() => client.end())

  return {
    server: () => server,
    client: () => client,
    run: (text: string, options: Partial<SqlFile> = {}) =>
      runSqlFile(client, { file: 'a.sql', text, transaction: 'own', ...options }),
    /** The first column of what a query returns. */
    async values(sql: string): Promise<unknown[]> {
      const { rows } = await client.query({ text: sql, rowMode: 'array' })
      return rows.map((row: unknown[]) => row[0])
    },
  }
}
