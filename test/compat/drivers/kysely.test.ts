import { Kysely, PostgresDialect, sql, type ControlledTransactionBuilder, type Generated } from 'kysely'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { testDrivers } from '../../../packages/pg-sandbox/test/drivers/contract.js'
import { codeOf, type Kinds, type Session, type Transact } from '../../../packages/pg-sandbox/test/drivers/driver.js'
import { kindsOf } from '../../../packages/pg-sandbox/test/drivers/pg.js'

interface Tables {
  people: { id: Generated<number>; name: string }
  kinds: Omit<Kinds, 'a_bigint'> & { id: Generated<number>; a_bigint: string | null }
}

testDrivers({
  name: 'Kysely',
  lacks: ['countPrepared', 'copy', 'refusedCopy', 'timeZone'],
  sqlState: codeOf,
  async open(url, connections) {
    const pool = new pg.Pool({ connectionString: url, max: connections })
    const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool, cursor: Cursor }) })
    return {
      ...session(db),
      transaction: transact(() => db.startTransaction()),
      serializable: transact(() => db.startTransaction().setIsolationLevel('serializable')),
      readOnly: transact(() => db.startTransaction().setAccessMode('read only')),
      addAll: names =>
        db
          .insertInto('people')
          .values(names.map(name => ({ name })))
          .execute(),
      async echo(number) {
        const { rows } = await sql<{ number: number }>`select ${number}::int as number`.execute(db)
        return rows[0]!.number
      },
      async store({ a_bigint, a_jsonb, ...row }) {
        const stored = await db
          .insertInto('kinds')
          .values({
            ...row,
            a_bigint: a_bigint === null ? null : a_bigint.toString(),
            a_jsonb: a_jsonb === null ? null : JSON.stringify(a_jsonb),
          })
          .returning([
            'a_text',
            'an_int',
            'a_bigint',
            'a_numeric',
            'a_boolean',
            'a_jsonb',
            'a_time',
            'some_texts',
            'some_bytes',
          ])
          .executeTakeFirstOrThrow()
        return kindsOf(stored)
      },
      async *stream(first, last) {
        const query = db
          .selectFrom(sql<{ n: number }>`generate_series(${first}::int, ${last})`.as<'n'>(sql`n`))
          .select(sql<number>`1000 / n`.as('quotient'))
        for await (const { quotient } of query.stream(100)) yield quotient
      },
      close: () => db.destroy(),
    }
  },
})

function transact(start: () => ControlledTransactionBuilder<Tables>): Transact {
  return async body => {
    const transaction = await start().execute()
    try {
      await body({
        ...session(transaction),
        async nested(inner) {
          const savepoint = await transaction.savepoint('nested').execute()
          try {
            await inner(session(savepoint))
            await savepoint.releaseSavepoint('nested').execute()
          } catch (error) {
            await savepoint.rollbackToSavepoint('nested').execute()
            throw error
          }
        },
      })
      await transaction.commit().execute()
    } catch (error) {
      await transaction.rollback().execute()
      throw error
    }
  }
}

function session(db: Kysely<Tables>): Session {
  return {
    add: name => db.insertInto('people').values({ name }).execute(),
    async names() {
      const rows = await db.selectFrom('people').select('name').orderBy('id').execute()
      return rows.map(({ name }) => name)
    },
  }
}
