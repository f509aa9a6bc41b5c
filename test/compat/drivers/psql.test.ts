import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { testDrivers } from '../../../packages/pg-sandbox/test/drivers/contract.js'
import { codeOf, zone, type Session, type Transact } from '../../../packages/pg-sandbox/test/drivers/driver.js'
import { fromJson, poolOf, toJson } from './programs.js'

/** Each connection is a psql that reads its commands from a pipe, as in a shell script. */
testDrivers({
  name: 'psql',
  preparesInSql: true,
  sqlState: codeOf,
  async open(url, connections) {
    const pool = poolOf(connections, () => startPsql(url))
    const session = (run: Run): Session => ({
      add: name => run(`insert into people (name) values (:'name');`, { name }),
      names: () => run('select name from people order by id;'),
    })
    const poolRun: Run = (commands, variables) => pool.use(psql => psql.run(commands, variables))
    const transact =
      (begin: string): Transact =>
      body =>
        pool.use(async ({ run }) => {
          await run(begin)
          try {
            await body({
              ...session(run),
              async nested(inner) {
                await run('savepoint nested;')
                try {
                  await inner(session(run))
                } catch (error) {
                  await run('rollback to nested;')
                  throw error
                }
                await run('release nested;')
              },
            })
          } catch (error) {
            await run('rollback;')
            throw error
          }
          await run('commit;')
        })
    return {
      ...session(poolRun),
      transaction: transact('begin;'),
      serializable: transact('begin isolation level serializable;'),
      readOnly: transact('begin read only;'),
      addAll: names =>
        poolRun(`insert into people (name) select unnest(:'names'::text[]);`, { names: `{${names.join()}}` }),
      copy: names =>
        poolRun(`copy people (name) from stdin;\n${names.join('\n')}\n\\.\n\\copy people (name) to stdout`),
      timeZone: async () => (await poolRun('show time zone;'))[0]!,
      echo: async number => Number((await poolRun(`select :'number'::int;`, { number: String(number) }))[0]),
      async store(row) {
        const { some_bytes, ...rest } = toJson(row)
        const json = JSON.stringify({ ...rest, some_bytes: some_bytes && `\\x${some_bytes}` })
        const [stored] = await poolRun(
          `insert into kinds (a_text, an_int, a_bigint, a_numeric, a_boolean, a_jsonb, a_time, some_texts, some_bytes)
           select a_text, an_int, a_bigint, a_numeric, a_boolean, nullif(a_jsonb, 'null'), a_time, some_texts, some_bytes
           from jsonb_populate_record(null::kinds, :'json')
           returning jsonb_build_object(
             'a_text', a_text, 'an_int', an_int, 'a_bigint', a_bigint::text, 'a_numeric', a_numeric::text,
             'a_boolean', a_boolean, 'a_jsonb', a_jsonb, 'a_time', a_time, 'some_texts', some_texts,
             'some_bytes', encode(some_bytes, 'hex')
           );`,
          { json },
        )
        return fromJson(JSON.parse(stored!))
      },
      async *stream(first, last) {
        const psql = await pool.take()
        try {
          yield* psql.read(`select 1000 / n from generate_series(${first}, ${last}) as n;`)
        } finally {
          pool.release(psql)
        }
      },
      countPrepared: name =>
        pool.use(async psql => {
          psql.prepared ??= psql.run('prepare counting (text) as select count(*) from people where name = $1;')
          await psql.prepared
          return Number((await psql.run(`execute counting (:'name');`, { name }))[0])
        }),
      close: pool.close,
    }
  },
})

/** Runs commands of psql, and answers with the rows; a row is a line. */
type Run = (commands: string, variables?: Record<string, string>) => Promise<string[]>

interface Psql {
  run: Run
  /** Reads a query's rows through a cursor, as psql does it for large results. */
  read(query: string): AsyncGenerator<number>
  prepared?: Promise<unknown>
  close(): Promise<void>
}

function startPsql(url: string): Psql {
  const args = ['--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--set=VERBOSITY=sqlstate', url]
  // Errors where the rows are, since psql 15 sets its variable SQLSTATE for all errors but those of COPY.
  const child = spawn('sh', ['-c', 'exec psql "$@" 2>&1', 'sh', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PGTZ: zone },
  })
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()

  /** The lines that commands print; throws the last error that they met. */
  async function* print(commands: string): AsyncGenerator<string> {
    child.stdin.write(`${commands}\n\\echo\n\\echo that was all\n`)
    let code: string | undefined
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error('psql has ended')
      if (value === 'that was all') break
      // psql does not end the line that it was printing when a cursor failed.
      const [row, state] = value.split('ERROR:  ')
      code = state ?? code
      if (row !== '') yield row!
    }
    if (code) throw Object.assign(new Error(`psql says ${code}`), { code })
  }
  return {
    async run(commands, variables = {}) {
      const settings = Object.entries(variables).map(([name, value]) => `\\set ${name} ${quoted(value)}\n`)
      const printed: string[] = []
      for await (const line of print(settings.join('') + commands)) printed.push(line)
      return printed
    },
    async *read(query) {
      const printing = print(`\\set FETCH_COUNT 100\n${query}\n\\unset FETCH_COUNT`)
      try {
        for (let line = await printing.next(); !line.done; line = await printing.next()) yield Number(line.value)
      } finally {
        // Whoever reads no further has to take what psql prints all the same.
        while (!(await printing.next()).done);
      }
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}

/** A value as \set takes it. */
function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')}'`
}
