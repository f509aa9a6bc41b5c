import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { startPostgres, type PostgresForTests, type PostgresMajor } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, expect } from 'vitest'
import { SeedbedError } from '@seedbed/environments/errors'

/** A project in a folder of its own, gone when it is disposed of. */
export async function makeProject(files: Record<string, string | Buffer> = {}) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'seedbed-project-')))
  await writeFiles(folder, files)
  return {
    folder,
    write: (more: Record<string, string | Buffer>) => writeFiles(folder, more),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

/** Makes the folders on the way, too. */
export async function writeFiles(folder: string, files: Record<string, string | Buffer>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

/** A server for a test file, with an ordinary role `app`; every `database()` is empty and belongs to it. */
export function useServer(version: PostgresMajor = 15) {
  let server: PostgresForTests
  let made = 0
  beforeAll(async () => {
    server = await startPostgres({ version })
    await query(server.url, "create role app login createdb password 'p%w d'")
  })
  afterAll(() => server.stop())
  return {
    adminUrl: (database = 'postgres') => server.urlFor({ database }),
    /** The URL of a new database, as the role `app`. */
    async database(): Promise<string> {
      made += 1
      const database = `d${made}`
      await query(server.url, `create database ${database} owner app`)
      return server.urlFor({ user: 'app', password: 'p%w d', database })
    },
  }
}

/** The first column of what a query returns. */
export async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client(url)
  await client.connect()
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' })
    return rows.map((row: unknown[]) => row[0])
  } finally {
    await client.end()
  }
}

/** What a promise is rejected with, which must be a SeedbedError. */
export async function failureOf(promise: Promise<unknown>): Promise<SeedbedError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(SeedbedError)
  return error as SeedbedError
}
