import { createPool, createTypeParserPreset, sql, type CommonQueryMethods } from 'slonik'
import { z } from 'zod'
import { testDrivers } from '../../../packages/pg-sandbox/test/drivers/contract.js'
import { codeOf, type Kinds, type Session } from '../../../packages/pg-sandbox/test/drivers/driver.js'

const nothing = z.unknown()

testDrivers({
  name: 'Slonik',
  lacks: ['serializable', 'readOnly', 'countPrepared', 'copy', 'refusedCopy', 'timeZone'],
  sqlState: error => codeOf(error) ?? codeOf((error as Error).cause),
  queriesWhenOpened: true,
  async open(url, connections) {
    const pool = await createPool(url, {
      maximumPoolSize: connections,
      typeParsers: [
        ...createTypeParserPreset().filter(({ name }) => !['int8', 'numeric', 'timestamptz'].includes(name)),
        { name: 'int8', parse: BigInt },
        { name: 'numeric', parse: text => text },
        { name: 'timestamptz', parse: text => new Date(text) },
      ],
    })
    return {
      ...session(pool),
      transaction: body =>
        pool.transaction(transaction =>
          body({
            ...session(transaction),
            nested: inner => transaction.transaction(savepoint => inner(session(savepoint))),
          }),
        ),
      addAll: names =>
        pool.query(sql.type(nothing)`
          insert into people (name) select name from ${sql.unnest(
            names.map(name => [name]),
            ['text'],
          )} as t (name)`),
      echo: number => pool.oneFirst(sql.type(z.object({ number: z.number() }))`select ${number}::int as number`),
      async store(row) {
        const stored = await pool.one(sql.type(nothing)`
          insert into kinds (a_text, an_int, a_bigint, a_numeric, a_boolean, a_jsonb, a_time, some_texts, some_bytes)
          values (
            ${row.a_text}, ${row.an_int}, ${row.a_bigint}, ${row.a_numeric}, ${row.a_boolean},
            ${row.a_jsonb === null ? null : sql.jsonb(row.a_jsonb as never)},
            ${row.a_time === null ? null : sql.timestamp(row.a_time)},
            ${row.some_texts === null ? null : sql.array(row.some_texts, 'text')},
            ${row.some_bytes === null ? null : sql.binary(row.some_bytes)}
          )
          returning a_text, an_int, a_bigint, a_numeric, a_boolean, a_jsonb, a_time, some_texts, some_bytes`)
        return stored as Kinds
      },
      stream(first, last) {
        const query = sql.type(z.object({ quotient: z.number() }))`
          select 1000 / n as quotient from generate_series(${first}::int, ${last}) as n`
        return iterate(push => pool.stream(query, stream => push(stream)))
      },
      close: () => pool.end(),
    }
  },
})

function session(methods: CommonQueryMethods): Session {
  return {
    add: name => methods.query(sql.type(nothing)`insert into people (name) values (${name})`),
    async names() {
      return [
        ...(await methods.anyFirst(sql.type(z.object({ name: z.string() }))`select name from people order by id`)),
      ]
    },
  }
}

/** Slonik hands the stream to a function, and the promise that it answers with is settled when the stream ends. */
async function* iterate(
  open: (onStream: (stream: AsyncIterable<{ data: { quotient: number } }>) => void) => Promise<unknown>,
): AsyncGenerator<number> {
  let done: Promise<unknown> | undefined
  const stream = await new Promise<AsyncIterable<{ data: { quotient: number } }>>((resolve, reject) => {
    done = open(resolve)
    done.catch(reject)
  })
  for await (const { data } of stream) yield data.quotient
  await done
}
