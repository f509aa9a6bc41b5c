import knex, { type Knex } from 'knex'
import type pg from 'pg'
import { codeOf, zone, type Driver, type Session, type Transact } from './driver.js'
import { kindsOf } from './pg.js'

export const knexDriver: Driver = {
  name: 'knex',
  lacks: ['copy', 'refusedCopy'],
  sqlState: codeOf,
  async open(url, connections) {
    const db = knex({
      client: 'pg',
      connection: url,
      pool: {
        min: 0,
        max: connections,
        afterCreate: (client: pg.Client, done: (error: Error | undefined, client: pg.Client) => void) => {
          client.query(`set time zone '${zone}'`, error => done(error, client))
        },
      },
    })
    const transact =
      (config: Knex.TransactionConfig): Transact =>
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
      readOnly: transact({ readOnly: true }),
      addAll: names => db('people').insert(names.map(name => ({ name }))),
      async echo(number) {
        const { rows } = await db.raw('select ?::int as number', [number])
        return rows[0].number
      },
      async store({ a_jsonb, ...row }) {
        const values = { ...row, a_jsonb: a_jsonb === null ? null : JSON.stringify(a_jsonb) }
        const [{ id: _, ...stored }] = await db('kinds').insert(values).returning('*')
        return kindsOf(stored)
      },
      async *stream(first, last) {
        const query = db.raw('select 1000 / n as quotient from generate_series(?::int, ?) as n', [first, last])
        for await (const row of query.stream({ highWaterMark: 100 })) yield row.quotient
      },
      async countPrepared(name) {
        const [row] = await db('people').where({ name }).count().options({ name: 'count' })
        return Number(row!.count)
      },
      async timeZone() {
        return (await db.raw('show time zone')).rows[0].TimeZone
      },
      close: () => db.destroy(),
    }
  },
}

function session(db: Knex): Session {
  return {
    add: name => db('people').insert({ name }),
    names: () => db('people').orderBy('id').pluck('name'),
  }
}
