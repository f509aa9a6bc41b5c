import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client, type QueryResultRow } from 'pg'
import type { PostgresMajor } from '@seedbed/postgres-for-tests'
import { inject, onTestFinished } from 'vitest'
import { openTemplates, type TemplateOptions, type Templates } from '../src/index.js'

export const majors: PostgresMajor[] = [15, 16, 17, 18]

/** The server of a version as a test sees it: a registry of its own, as a role with CREATEDB and no more. */
export interface Site {
  url: string
  registry: string
  /** Opens templates that are closed when the test is over. */
  open(options?: Partial<TemplateOptions>): Promise<Templates>
  /** One statement as the superuser, in any database. */
  admin<Row extends QueryResultRow>(text: string, values?: unknown[], database?: string): Promise<Row[]>
  urlFor(options: { user?: string; database?: string }): string
}

export function site(version: PostgresMajor): Site {
  return siteOf(inject('servers')[version])
}

export function siteOf(superuser: string): Site {
  const urlFor = ({ user = 'postgres', database = 'postgres' }) => {
    const url = new URL(superuser)
    url.username = user
    url.pathname = `/${database}`
    return url.href
  }
  const url = urlFor({ user: 'maker' })
  const registry = `registry_${randomBytes(6).toString('hex')}`
  return {
    url,
    registry,
    urlFor,
    async open(options = {}) {
      const templates = await openTemplates({ url, registry, ...options })
      onTestFinished(() => templates.close())
      return templates
    },
    admin: (text, values, database) => query(urlFor({ ...(database ? { database } : {}) }), text, values),
  }
}

/** One statement on a session of its own. */
export async function query<Row extends QueryResultRow>(url: string, text: string, values?: unknown[]): Promise<Row[]> {
  return withClient(url, async client => (await client.query<Row>(text, values)).rows)
}

export async function withClient<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client(url)
  client.on('error', () => {}) // some tests have their sessions ended
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** A build that runs some SQL. */
export const sqlBuild =
  (sql: string, details: unknown = null) =>
  async ({ url }: { url: string }) => {
    await query(url, sql)
    return details
  }

/** What is on the server and in the registry, by name. */
export async function inventory({ admin, registry }: Site): Promise<{ databases: string[]; registered: string[] }> {
  const databases = await admin<{ name: string }>(
    `select datname as name from pg_database where datname <> all($1) order by 1`,
    [['postgres', 'template0', 'template1', registry]],
  )
  const registered = await admin<{ name: string }>('select name from template_db.databases order by 1', [], registry)
  return { databases: databases.map(row => row.name), registered: registered.map(row => row.name) }
}

export interface Program {
  process: ChildProcess
  /** Resolves with the first line of that event, also if it has been printed already. */
  event<Event>(name: string): Promise<Event & { event: string }>
  events: { event: string; [key: string]: unknown }[]
  /** Resolves with the exit code, or null after a signal. */
  ended: Promise<number | null>
  kill(): Promise<void>
}

/** Starts test/programs/<name>.mjs; it prints one JSON object a line, with its `event`. */
export function startProgram(name: string, options: object): Program {
  const file = fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url))
  const child = spawn(process.execPath, [file, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const events: Program['events'] = []
  let errors = ''
  child.stderr.on('data', data => (errors += data))
  const lines = createInterface({ input: child.stdout })
  lines.on('line', line => events.push(JSON.parse(line)))
  const closed = once(child, 'close')
  return {
    process: child,
    events,
    async event<Event>(wanted: string) {
      for (;;) {
        const found = events.find(({ event }) => event === wanted)
        if (found) return found as Event & { event: string }
        const next = await Promise.race([once(lines, 'line').then(() => 'line'), closed.then(() => 'closed')])
        if (next === 'closed' && !events.some(({ event }) => event === wanted)) {
          throw new Error(`the program ended without "${wanted}": ${errors}`)
        }
      }
    },
    ended: closed.then(([code]) => {
      if (code !== 0 && code !== null) throw new Error(errors)
      return code as number | null
    }),
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

/** Asks until it is true. */
export async function until(question: () => Promise<boolean>): Promise<void> {
  while (!(await question())) await pause(2)
}
