import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeProject, type Project } from '../../../../packages/vitest/test/support/project.js'
import { startManaged, type ManagedServer } from './managed-server.js'

let server: ManagedServer
beforeAll(async () => {
  server = await startManaged()
})
afterAll(() => server[Symbol.asyncDispose]())

const uses = (name: string) => `
  import { Client } from 'pg'
  import { expect, test } from 'vitest'
  test.each([1, 2])('${name} %i', async () => {
    const client = new Client(process.env.DATABASE_URL)
    await client.connect()
    await client.query("insert into users (name) values ('Kay')")
    const { rows } = await client.query('select id, name from users order by name')
    expect(rows.map(({ name }) => name)).toEqual(['Ada', 'Grace', 'Kay'])
    await client.end()
  })`

let project: Project
beforeEach(async () => {
  project = await makeProject({ 'a.test.ts': uses('a'), 'b.test.ts': uses('b') })
})
afterEach(async () => {
  await project[Symbol.asyncDispose]()
  const left = await server.admin<{ name: string }>(`select datname as name from pg_database where datname ~ '_'`)
  for (const { name } of left) {
    await server.admin(`alter database ${name} is_template false`)
    await server.admin(`drop database ${name} with (force)`)
  }
})

const run = (url: string, env: Record<string, string> = {}) =>
  project.vitest({ env: { TEST_DATABASE_URL: url, ...env } })

/** Of the databases that are ours. */
const databases = async () =>
  (
    await server.admin<{ kind: string }>(
      `select split_part(datname, '_', 1) as kind from pg_database where datname ~ '_' order by 1`,
    )
  ).map(({ kind }) => kind)

async function expectTwoRuns(url: string): Promise<void> {
  const first = await run(url)
  expect(first).toMatchObject({ exitCode: 0, output: expect.stringContaining('the first of this project') as string })
  const second = await run(url)
  expect(second.output).toMatch(/template reused · 2 databases recycled/)
  expect(second).toMatchObject({ exitCode: 0, output: expect.not.stringContaining('was dropped') as string })
  expect(await databases()).toEqual(['clone', 'clone', 'seedbed', 'template'])
  const visitors = await server.admin(
    `select datname, query from pg_stat_activity where datname ~ '^(clone|template)_'`,
  )
  expect(visitors).toEqual([])
}

async function expectRefused(url: string, code: string, text: string): Promise<void> {
  const { exitCode, output } = await run(url)
  expect(output).toContain(code)
  expect(output).toContain(text)
  expect(output).not.toMatch(/a( |%20)secret/)
  expect(exitCode).not.toBe(0)
  expect(await databases()).toEqual([])
}

describe('directly, with TLS', () => {
  test('a suite passes twice, and recycles', () => expectTwoRuns(server.url))

  test('another authority is refused', () =>
    expectRefused(
      server.url.replace(/sslrootcert=.*/, `sslrootcert=${server.otherCa}`),
      'SERVER_CERTIFICATE_REFUSED',
      'sslrootcert=/path/ca.pem',
    ))

  test('a host name that is not in the certificate is refused', () =>
    expectRefused(server.url.replace('@localhost', '@127.0.0.1'), 'SERVER_CERTIFICATE_REFUSED', '127.0.0.1'))

  test('a file that is not there is named', () =>
    expectRefused(
      server.url.replace(/sslrootcert=.*/, 'sslrootcert=/nowhere/ca.pem'),
      'SERVER_CERTIFICATE_REFUSED',
      '/nowhere/ca.pem',
    ))

  test('without TLS it is refused', () =>
    expectRefused(server.url.replace(/\?.*/, ''), 'SERVER_REFUSES_LOGIN', 'no encryption'))
})

describe('through PgBouncer in session mode', () => {
  test('a suite passes twice, and recycles', async () => {
    await using pooler = await server.startPgBouncer({ pool_mode: 'session' })
    await expectTwoRuns(pooler.url)
  })

  test('a migration that fails leaves nothing, and a changed one makes a new template', async () => {
    await using pooler = await server.startPgBouncer({ pool_mode: 'session' })
    await project.write({ 'migrations/2.sql': 'alter table missing add x int' })
    expect(await run(pooler.url)).toMatchObject({ output: expect.stringContaining('SQL_FAILED') as string })
    expect(await databases()).toEqual(['seedbed'])
    await project.write({ 'migrations/2.sql': 'alter table users add x int' })
    expect(await run(pooler.url)).toMatchObject({ exitCode: 0 })
    await project.write({ 'migrations/3.sql': 'alter table users add y int' })
    expect(await run(pooler.url)).toMatchObject({ exitCode: 0 })
  })

  test('what a failed test saw is kept', async () => {
    await using pooler = await server.startPgBouncer({ pool_mode: 'session' })
    await project.write({ 'a.test.ts': uses('a').replace("'Kay']", "'Nobody']") })
    const { output } = await run(pooler.url, { SEEDBED_KEEP: 'failed' })
    expect(output).toContain('is kept for seven days')
    expect(await databases()).toContain('kept')
  })

  test('a run that is killed gives its databases back', async () => {
    await using pooler = await server.startPgBouncer({ pool_mode: 'session' })
    await project.write({
      'a.test.ts': uses('a').replace('await client.end()', `console.log('in it'); await new Promise(() => {})`),
    })
    const killed = project.start({ env: { TEST_DATABASE_URL: pooler.url } })
    await killed.printed(/in it/)
    killed.child.kill('SIGKILL')
    await killed.ended
    await project.write({ 'a.test.ts': uses('a') })
    expect(await run(pooler.url)).toMatchObject({ exitCode: 0 })
    expect(await databases()).toEqual(['clone', 'clone', 'seedbed', 'template'])
  })

  test('a wrong password is told from others', async () => {
    await using pooler = await server.startPgBouncer({ pool_mode: 'session' })
    await expectRefused(pooler.url.replace('tester:a', 'tester:b'), 'SERVER_REFUSES_LOGIN', 'authentication failed')
  })

  test.each([{ max_client_conn: '1' }, { max_db_connections: '1', query_wait_timeout: '1' }])(
    'too few connections: %o',
    async settings => {
      await using pooler = await server.startPgBouncer({ pool_mode: 'session', ...settings })
      await expectRefused(pooler.url, 'SERVER_NO_CONNECTION', "PgBouncer's pools")
    },
  )
})

test.each(['transaction', 'statement'])('PgBouncer in %s mode is refused, with the way out', async mode => {
  await using pooler = await server.startPgBouncer({ pool_mode: mode })
  await expectRefused(pooler.url, 'SERVER_POOLER_SHARES_SESSIONS', 'pool_mode = session')
})
