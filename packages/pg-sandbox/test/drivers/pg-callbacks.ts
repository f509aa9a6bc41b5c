import pg from 'pg'
import Cursor from 'pg-cursor'
import { codeOf, zone, type Driver, type Session, type Transact } from './driver.js'
import { insertKinds, kindsOf, parametersOf } from './pg.js'

/** `pg` as it was used before there were promises, with pg-cursor. */
export const pgWithCallbacks: Driver = {
  name: 'pg with callbacks',
  lacks: ['copy', 'refusedCopy'],
  sqlState: codeOf,
  async open(url, connections) {
    const pool = new pg.Pool({ connectionString: url, max: connections, options: `-c TimeZone=${zone}` })
    const ask = asker(pool)
    return {
      ...session(pool),
      transaction: transact(pool, []),
      serializable: transact(pool, ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE']),
      readOnly: transact(pool, ['SET TRANSACTION READ ONLY']),
      async addAll(names) {
        const values = names.map((_, index) => `($${index + 1})`).join(', ')
        await ask(`insert into people (name) values ${values}`, names)
      },
      async echo(number) {
        return (await ask('select $1::int as number', [number]))[0]!.number as number
      },
      async store(row) {
        return kindsOf((await ask(insertKinds, parametersOf(row)))[0] as never)
      },
      async *stream(first, last) {
        const { client, release } = await take(pool)
        const text = 'select 1000 / n as quotient from generate_series($1::int, $2) as n'
        const cursor = client.query(new Cursor<{ quotient: number }>(text, [first, last]))
        const read = () =>
          new Promise<{ quotient: number }[]>((resolve, reject) =>
            cursor.read(100, (error: Error | undefined, rows) => (error ? reject(error) : resolve(rows))),
          )
        try {
          for (let rows = await read(); rows.length > 0; rows = await read()) {
            for (const { quotient } of rows) yield quotient
          }
        } finally {
          await new Promise<void>(resolve => cursor.close(() => resolve()))
          release()
        }
      },
      countPrepared(name) {
        const text = 'select count(*)::int as count from people where name = $1'
        return new Promise((resolve, reject) => {
          pool.query({ name: 'count', text, values: [name] }, (error, result) =>
            error ? reject(error) : resolve(result.rows[0].count),
          )
        })
      },
      async timeZone() {
        return (await ask('show time zone'))[0]!.TimeZone as string
      },
      close: () => new Promise<void>(resolve => pool.end(resolve)),
    }
  },
}

function transact(pool: pg.Pool, modes: string[]): Transact {
  return async body => {
    const { client, release } = await take(pool)
    const tell = asker(client)
    try {
      await tell('START TRANSACTION')
      for (const mode of modes) await tell(mode)
      await body({
        ...session(client),
        async nested(inner) {
          await tell(`SAVEPOINT "it's nested"`)
          try {
            await inner(session(client))
            await tell(`RELEASE "it's nested"`)
          } catch (error) {
            await tell(`ROLLBACK TO "it's nested"; RELEASE "it's nested"`)
            throw error
          }
        },
      })
      await tell('END')
    } catch (error) {
      await tell('ABORT')
      throw error
    } finally {
      release()
    }
  }
}

function session(client: pg.Pool | pg.PoolClient): Session {
  const ask = asker(client)
  return {
    add: name => ask('insert into people (name) values ($1)', [name]),
    async names() {
      return (await ask('select name from people order by id')).map(row => row.name as string)
    },
  }
}

type Ask = (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>

function asker(client: pg.Pool | pg.PoolClient): Ask {
  return (text, values) =>
    new Promise((resolve, reject) => {
      const done = (error: Error, result: pg.QueryResult) => (error ? reject(error) : resolve(result.rows))
      if (values) client.query(text, values, done)
      else client.query(text, done)
    })
}

function take(pool: pg.Pool): Promise<{ client: pg.PoolClient; release(): void }> {
  return new Promise((resolve, reject) => {
    pool.connect((error, client, release) => (error || !client ? reject(error as Error) : resolve({ client, release })))
  })
}
