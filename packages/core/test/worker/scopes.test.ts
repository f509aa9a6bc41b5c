import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { connectionVariables } from '../../src/run/connection-variables.js'
import type { RunHandle } from '../../src/run/run-handle.js'
import { sandboxUrl } from '../../src/run/worker-address.js'
import { readNotes, writeFacts } from '../../src/run/worker-files.js'
import { currentWorker } from '../../src/worker/open-worker.js'
import { openedScopes, openScopes, type Scope } from '../../src/worker/scopes.js'

let server: PostgresForTests
let direct: pg.Client
let run: RunHandle
let runs = 0
const environment = { ...process.env }

beforeAll(async () => {
  server = await startPostgres()
  direct = new pg.Client(server.url)
  await direct.connect()
  await direct.query('create table note (body text unique not null)')
})
afterAll(async () => {
  await direct.end()
  await server.stop()
})
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'seedbed-scopes-test-'))
  runs += 1
  const variables = connectionVariables(sandboxUrl({ url: server.url, password: 'unguessable' }), {})
  const workers = [{ database: 'postgres', url: server.url, password: 'unguessable', variables }]
  run = {
    id: `run ${runs}`,
    project: folder,
    folder,
    isolation: 'transaction',
    sequences: 'file',
    sandbox: {},
    workers,
  }
  writeFacts(folder, { labels: { tables: {} }, sequences: [] })
})
afterEach(async () => {
  await openedScopes()?.close()
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
  await rm(run.folder, { recursive: true })
})

const file: Scope = { id: 'file', kind: 'file', name: 'a.test.ts' }
const suite: Scope = { id: 'suite', kind: 'suite', name: 'a suite' }
const aTest = (id: string): Scope => ({ id, kind: 'test', name: id })
const bodies = async () =>
  (await currentWorker('db').db.query('select body from note order by body')).rows.map(row => row.body)
const insert = (body: string) => currentWorker('db').db.query('insert into note values ($1)', [body])

test('whoever asks for the database first in the middle of a file finds its scopes as they were entered', async () => {
  const scopes = await openScopes(run, 1)
  await scopes.enter(file)
  await scopes.enter(suite)
  await scopes.enter(aTest('silent'))
  await scopes.leave(aTest('silent'))
  expect(scopes.sandbox.sessions).toBe(0)
  await insert('of the suite')
  await scopes.enter(aTest('first'))
  await insert('of the test')
  expect(await bodies()).toEqual(['of the suite', 'of the test'])
  await scopes.leave(aTest('first'))
  expect(await bodies()).toEqual(['of the suite'])
  await scopes.leave(suite)
  expect(await bodies()).toEqual([])
  await scopes.leave(file)
  expect((await direct.query('select from note')).rowCount).toBe(0)
  const [note] = await readNotes(run.folder, 1)
  expect(note).toMatchObject({ file: 'a.test.ts', sessions: 1, tests: [{ name: 'silent' }, { name: 'first' }] })
})

test('a file that never asks is noted with no session', async () => {
  const scopes = await openScopes(run, 1)
  await scopes.enter(file)
  await scopes.enter(aTest('silent'))
  await scopes.leave(file)
  expect(await readNotes(run.folder, 1)).toMatchObject([{ sessions: 0 }])
  expect(scopes.sandbox.sessions).toBe(0)
})

test('refuses a slot that the run has not prepared, and a run that has failed', async () => {
  await expect(openScopes(run, 2)).rejects.toThrow('Worker 2 has no database: the run prepared 1.')
  await expect(openScopes({ failure: 'the seed is broken' }, 1)).rejects.toThrow('the seed is broken')
})
