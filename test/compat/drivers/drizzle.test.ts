import { asc, count, eq, sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import {
  bigint,
  boolean,
  customType,
  integer,
  jsonb,
  numeric,
  pgTable,
  serial,
  text,
  timestamp,
  type PgTransactionConfig,
} from 'drizzle-orm/pg-core'
import pg from 'pg'
import { testDrivers } from '../../../packages/pg-sandbox/test/drivers/contract.js'
import { codeOf, type Session, type Transact } from '../../../packages/pg-sandbox/test/drivers/driver.js'

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

const people = pgTable('people', { id: serial().primaryKey(), name: text().notNull().unique() })
const kinds = pgTable('kinds', {
  a_text: text(),
  an_int: integer(),
  a_bigint: bigint({ mode: 'bigint' }),
  a_numeric: numeric({ precision: 30, scale: 10 }),
  a_boolean: boolean(),
  a_jsonb: jsonb(),
  a_time: timestamp({ withTimezone: true }),
  some_texts: text().array(),
  some_bytes: bytea(),
})

testDrivers({
  name: 'Drizzle',
  lacks: ['stream', 'copy', 'refusedCopy', 'timeZone'],
  sqlState: error => codeOf((error as Error).cause),
  async open(url, connections) {
    const pool = new pg.Pool({ connectionString: url, max: connections })
    const db = drizzle(pool)
    const counting = db
      .select({ count: count() })
      .from(people)
      .where(eq(people.name, sql.placeholder('name')))
      .prepare('count')
    const transact =
      (config: PgTransactionConfig): Transact =>
      body =>
        db.transaction(
          transaction =>
            body({
              ...session(transaction),
              nested: inner => transaction.transaction(savepoint => inner(session(savepoint))),
            }),
          config,
        )
    return {
      ...session(db),
      transaction: transact({}),
      serializable: transact({ isolationLevel: 'serializable' }),
      readOnly: transact({ accessMode: 'read only' }),
      addAll: names => db.insert(people).values(names.map(name => ({ name }))),
      async echo(number) {
        const { rows } = await db.execute<{ number: number }>(sql`select ${number}::int as number`)
        return rows[0]!.number
      },
      async store(row) {
        const [stored] = await db.insert(kinds).values(row).returning()
        return stored!
      },
      async countPrepared(name) {
        return (await counting.execute({ name }))[0]!.count
      },
      close: () => pool.end(),
    }
  },
})

function session(db: Pick<NodePgDatabase, 'insert' | 'select'>): Session {
  return {
    add: name => db.insert(people).values({ name }),
    async names() {
      const rows = await db.select({ name: people.name }).from(people).orderBy(asc(people.id))
      return rows.map(({ name }) => name)
    },
  }
}
