import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { testDrivers } from '../../../packages/pg-sandbox/test/drivers/contract.js'
import { codeOf, zone, type Session } from '../../../packages/pg-sandbox/test/drivers/driver.js'
import { fromJson, toJson, type KindsInJson } from './programs.js'

const program = fileURLToPath(new URL('psycopg-program.py', import.meta.url))

testDrivers({
  name: `Python's psycopg`,
  lacks: ['serializable', 'readOnly'],
  sqlState: codeOf,
  async open(url, connections) {
    const python = startPython(url, connections)
    const { ask } = python
    let sessions = 0
    const session = (session: number | null): Session => ({
      add: name => ask('query', { sql: 'insert into people (name) values (%s)', parameters: [name], session }),
      async names() {
        const rows = await ask('query', { sql: 'select name from people order by id', session })
        return (rows as [string][]).map(([name]) => name)
      },
    })
    async function within(number: number, body: () => Promise<void>): Promise<void> {
      await ask('begin', { session: number })
      try {
        await body()
      } catch (error) {
        await ask('end', { session: number, commit: false })
        throw error
      }
      await ask('end', { session: number, commit: true })
    }
    return {
      ...session(null),
      transaction(body) {
        const number = ++sessions
        return within(number, () =>
          body({ ...session(number), nested: inner => within(number, () => inner(session(number))) }),
        )
      },
      addAll: names =>
        ask('many', { sql: 'insert into people (name) values (%s)', parameters: names.map(name => [name]) }),
      async echo(number) {
        const [row] = (await ask('query', { sql: 'select %s::int', parameters: [number] })) as [[number]]
        return row[0]
      },
      async store(row) {
        return fromJson((await ask('store', { row: toJson(row) })) as KindsInJson)
      },
      async *stream(first, last) {
        const number = ++sessions
        const sql = 'select 1000 / n from generate_series(%s::int, %s) as n'
        await ask('open', { session: number, sql, parameters: [first, last] })
        try {
          for (;;) {
            const rows = (await ask('fetch', { session: number })) as [number][]
            if (rows.length === 0) return
            for (const [quotient] of rows) yield quotient
          }
        } finally {
          await ask('close', { session: number })
        }
      },
      async countPrepared(name) {
        const sql = 'select count(*) from people where name = %s'
        const [row] = (await ask('prepared', { sql, parameters: [name] })) as [[number]]
        return row[0]
      },
      copy: names => ask('copy', { names }) as Promise<string[]>,
      async timeZone() {
        const [row] = (await ask('query', { sql: 'show time zone' })) as [[string]]
        return row[0]
      },
      close: python.close,
    }
  },
})

/** Debian's Python, which has Debian's packages. */
function startPython(url: string, connections: number) {
  const child = spawn('/usr/bin/python3', [program, url, String(connections), zone], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const asked = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  let id = 0
  createInterface(child.stdout).on('line', line => {
    const { id, result, error, code } = JSON.parse(line)
    const waiting = asked.get(id)!
    asked.delete(id)
    if (error === undefined) waiting.resolve(result)
    else waiting.reject(Object.assign(new Error(error), { code }))
  })
  const ended = once(child, 'exit')
  return {
    ask(task: string, what: object): Promise<unknown> {
      return new Promise((resolve, reject) => {
        asked.set(++id, { resolve, reject })
        child.stdin.write(`${JSON.stringify({ id, task, ...what })}\n`)
      })
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}
