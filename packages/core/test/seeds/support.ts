import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { PostgresForTests } from '@seedbed/postgres-for-tests'
import pg from 'pg'
import { findSeeds } from '../../src/seeds/find-seeds.js'
import { loadSeeds } from '../../src/seeds/load-seeds.js'
import type { SeedLabels } from '../../src/seeds/seed-labels.js'

let databases = 0

export interface TestDatabase extends AsyncDisposable {
  client: pg.Client
  url: string
}

/** A database of its own with a schema, dropped at the end; as `user` it is owned by that role, which is made. */
export async function database(server: PostgresForTests, schema: string, user = 'postgres'): Promise<TestDatabase> {
  const name = `seeds_${process.pid}_${++databases}`
  await asAdmin(server, async admin => {
    if (user !== 'postgres') {
      await admin.query(`do $$ begin create role ${user} login; exception when duplicate_object then null; end $$`)
    }
    await admin.query(`create database ${name} owner ${user}`)
  })
  const url = server.urlFor({ database: name, user })
  const client = new pg.Client(url)
  await client.connect()
  if (schema) await client.query(schema)
  return {
    client,
    url,
    async [Symbol.asyncDispose]() {
      await client.end()
      await asAdmin(server, admin => admin.query(`drop database ${name} with (force)`))
    },
  }
}

async function asAdmin(
  server: PostgresForTests,
  run: (admin: pg.Client) => Promise<unknown>,
  inDatabase = 'postgres',
): Promise<void> {
  const admin = new pg.Client(server.urlFor({ database: inDatabase }))
  await admin.connect()
  try {
    await run(admin)
  } finally {
    await admin.end()
  }
}

export interface Project extends AsyncDisposable {
  folder: string
  write(files: Record<string, string | Buffer>): Promise<void>
}

/** A project's folder with some files; removed at the end. */
export async function project(files: Record<string, string | Buffer>): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed seeds-'))
  const write: Project['write'] = async files => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), content)
    }
  }
  await write(files)
  return { folder, write, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** Finds and loads `seeds/` of a project that consists of some files. Objects are written as JSON. */
export async function load(
  client: pg.Client,
  files: Record<string, unknown>,
  beforeCommit?: Parameters<typeof loadSeeds>[2]['beforeCommit'],
): Promise<SeedLabels> {
  const texts = Object.entries(files).map(([name, content]) => [
    `seeds/${name}`,
    typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content, null, 1),
  ])
  await using made = await project(Object.fromEntries(texts) as Record<string, string | Buffer>)
  const { files: found } = await findSeeds(made.folder, {})
  return await loadSeeds(client, found, { projectFolder: made.folder, ...(beforeCommit && { beforeCommit }) })
}

/** The error that something is refused with: its code and message, or a failure of the test. */
export async function refusal(run: Promise<unknown>): Promise<{ code: string; message: string; hint: string }> {
  const error: unknown = await run.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (error instanceof Error && 'code' in error && 'hint' in error) {
    return { code: String(error.code), message: error.message.split('\n\n')[0]!, hint: String(error.hint) }
  }
  throw new Error('it was not refused with an error of ours', { cause: error })
}

/** A value's text as the server writes it. */
export const asText = { getTypeParser: () => (text: string) => text }

/** All rows of a query as the server's text, column by column. */
export async function texts(client: pg.Client, sql: string): Promise<(string | null)[][]> {
  const { rows } = await client.query<(string | null)[]>({ text: sql, rowMode: 'array', types: asText })
  return rows
}
