import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import postgres from 'postgres'
import { codeOf, zone, type Driver, type Kinds, type Session, type Transact } from './driver.js'

/** Prepares each statement by itself, sends Parse with Flush, and pipelines on a connection. */
export const postgresJs = driver('postgres.js', true)
/** As behind PgBouncer: each statement anew, as the unnamed one. */
export const postgresJsUnprepared = driver('postgres.js without prepared statements', false)

function driver(name: string, prepare: boolean): Driver {
  return {
    name,
    sqlState: codeOf,
    lacks: ['refusedCopy'], // its stream never ends then
    async open(url, connections) {
      const sql = postgres(url, {
        max: connections,
        prepare,
        types: { bigint: postgres.BigInt },
        connection: { TimeZone: zone },
      })
      const transact =
        (modes: string): Transact =>
        async body => {
          await sql.begin(modes, transaction =>
            body({
              ...session(transaction),
              async nested(inner) {
                await transaction.savepoint(savepoint => inner(session(savepoint)))
              },
            }),
          )
        }
      return {
        ...session(sql),
        transaction: transact(''),
        serializable: transact('isolation level serializable'),
        readOnly: transact('read only'),
        addAll: names => sql`insert into people ${sql(names.map(name => ({ name })))}`,
        async echo(number) {
          return (await sql`select ${number}::int as number`)[0]!.number
        },
        async store({ a_jsonb, ...row }) {
          const values = { ...row, a_jsonb: a_jsonb === null ? null : sql.json(a_jsonb as postgres.JSONValue) }
          const [stored] = await sql`
          insert into kinds ${sql(values)} returning ${sql(Object.keys(values))}`
          return stored as Kinds
        },
        async *stream(first, last) {
          const query = sql`select 1000 / n as quotient from generate_series(${first}::int, ${last}) as n`
          for await (const rows of query.cursor(100)) {
            for (const row of rows) yield row.quotient
          }
        },
        async countPrepared(name) {
          return (await sql`select count(*)::int as count from people where name = ${name}`)[0]!.count
        },
        async copy(names) {
          const input = await sql`copy people (name) from stdin`.writable()
          await pipeline(
            names.map(name => `${name}\n`),
            input,
          )
          const output = await sql`copy (select name from people order by id) to stdout`.readable()
          return (await text(output)).split('\n').slice(0, -1)
        },
        async timeZone() {
          return (await sql`show time zone`)[0]!.TimeZone
        },
        close: () => sql.end(),
      }
    },
  }
}

function session(sql: postgres.ISql<{ bigint: bigint }>): Session {
  return {
    add: name => sql`insert into people ${sql({ name })}`,
    async names() {
      return (await sql`select name from people order by id`).map(row => row.name)
    },
  }
}
