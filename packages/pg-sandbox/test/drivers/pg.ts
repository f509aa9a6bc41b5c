import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import QueryStream from 'pg-query-stream'
import { codeOf, zone, type Driver, type Kinds, type Session, type Transact } from './driver.js'

export const pgWithPromises: Driver = driverOfPg('pg', {})

/** Sends the next query before the last one is answered. */
export const pgWithPipeline: Driver = {
  ...driverOfPg('pg with a pipeline', { pipeline: true }),
  lacks: ['stream', 'copy', 'refusedCopy'],
}

function driverOfPg(name: string, options: pg.PoolConfig & { pipeline?: boolean }): Driver {
  return {
    name,
    sqlState: codeOf,
    async open(url, connections) {
      const pool = new pg.Pool({ connectionString: url, max: connections, ...options })
      pool.on('connect', client => void client.query(`set time zone '${zone}'`))
      return {
        ...session(pool),
        transaction: transact(pool, 'BEGIN'),
        serializable: transact(pool, 'BEGIN ISOLATION LEVEL SERIALIZABLE'),
        readOnly: transact(pool, 'BEGIN READ ONLY'),
        addAll: names => pool.query('insert into people (name) select unnest($1::text[])', [names]),
        async echo(number) {
          const { rows } = await pool.query('select $1::int as number', [number])
          return rows[0].number
        },
        async store(row) {
          const { rows } = await pool.query(insertKinds, parametersOf(row))
          return kindsOf(rows[0])
        },
        async countPrepared(name) {
          const { rows } = await pool.query({
            name: 'count',
            text: 'select count(*)::int as count from people where name = $1',
            values: [name],
          })
          return rows[0].count
        },
        async timeZone() {
          return (await pool.query('show time zone')).rows[0].TimeZone
        },
        stream: (first, last) => stream(pool, first, last),
        copy: names => copy(pool, names),
        close: () => pool.end(),
      }
    },
  }
}

function session(client: pg.Pool | pg.PoolClient): Session {
  return {
    add: name => client.query('insert into people (name) values ($1)', [name]),
    async names() {
      const { rows } = await client.query('select name from people order by id')
      return rows.map(row => row.name)
    },
  }
}

function transact(pool: pg.Pool, begin: string): Transact {
  return async body => {
    const client = await pool.connect()
    try {
      await client.query(begin)
      await body({
        ...session(client),
        async nested(inner) {
          await client.query('SAVEPOINT nested')
          try {
            await inner(session(client))
            await client.query('RELEASE SAVEPOINT nested')
          } catch (error) {
            await client.query('ROLLBACK TO SAVEPOINT nested')
            throw error
          }
        },
      })
      await client.query('COMMIT')
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  }
}

async function* stream(pool: pg.Pool, first: number, last: number): AsyncGenerator<number> {
  const client = await pool.connect()
  try {
    const query = new QueryStream(`select 1000 / n as quotient from generate_series($1::int, $2) as n`, [first, last], {
      batchSize: 100,
    })
    for await (const row of client.query(query)) yield row.quotient
  } finally {
    client.release()
  }
}

async function copy(pool: pg.Pool, names: string[]): Promise<string[]> {
  const client = await pool.connect()
  try {
    const input = client.query(copyFrom('copy people (name) from stdin'))
    await pipeline(
      names.map(name => `${name}\n`),
      input,
    )
    const output = client.query(copyTo('copy (select name from people order by id) to stdout'))
    return (await text(output)).split('\n').slice(0, -1)
  } finally {
    client.release()
  }
}

export const insertKinds = `
  insert into kinds (a_text, an_int, a_bigint, a_numeric, a_boolean, a_jsonb, a_time, some_texts, some_bytes)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  returning a_text, an_int, a_bigint, a_numeric, a_boolean, a_jsonb, a_time, some_texts, some_bytes`

export function parametersOf({ a_jsonb, ...row }: Kinds): unknown[] {
  return [
    ...[row.a_text, row.an_int, row.a_bigint, row.a_numeric, row.a_boolean],
    // `pg` takes a JavaScript array for an array of PostgreSQL.
    a_jsonb === null ? null : JSON.stringify(a_jsonb),
    ...[row.a_time, row.some_texts, row.some_bytes],
  ]
}

/** `pg` and those built upon it give a bigint as text. */
export function kindsOf(row: Omit<Kinds, 'a_bigint'> & { a_bigint: string | null }): Kinds {
  return { ...row, a_bigint: row.a_bigint === null ? null : BigInt(row.a_bigint) }
}
