import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { startPostgres } from '@seedbed/postgres-for-tests'
import { expect, test } from 'vitest'
import { isolation, makeProject } from './support/project.js'

test('a server that restarts fails the running test with one clear error, and the next ones go on, or say why not', async () => {
  await using server = await startPostgres()
  await using project = await makeProject({
    'a.test.js': `
      import { existsSync, writeFileSync } from 'node:fs'
      import pg from 'pg'
      import { db } from 'seedbed'
      const pool = new pg.Pool()
      pool.on('error', () => {})
      const names = async () => (await pool.query('select name from users order by id')).rows.map(row => row.name)
      test('before', async () => expect(await names()).toEqual(['Ada', 'Grace']))
      test('meanwhile', async () => {
        await db.query("insert into users (name) values ('of the running test')")
        writeFileSync('running', '')
        while (!existsSync('restarted')) await new Promise(resolve => setTimeout(resolve, 20))
        await db.query("insert into users (name) values ('after the restart')")
      })
      test('after, through the pool', async () => expect(await names()).toEqual(['Ada', 'Grace']))
      test('after, through db', async () => {
        const { rows } = await db.query("insert into users (name) values ('new') returning id")
        expect(rows).toEqual([{ id: 3 }])
      })
      test('and leaves nothing', async () => expect(await names()).toEqual(['Ada', 'Grace']))`,
  })
  const env = { TEST_DATABASE_URL: server.url }
  const run = project.run({ timeout: 20_000, env })
  while (!existsSync(join(project.folder, 'running'))) await new Promise(resolve => setTimeout(resolve, 20))
  await server.crashAndRestart()
  await project.write({ restarted: '' })
  const { tests, output, exitCode } = await run
  expect(exitCode).toBe(1)
  if (isolation === 'transaction') {
    expect(tests, output).toEqual({
      before: ['passed'],
      meanwhile: ['failed'],
      'after, through the pool': ['passed'],
      'after, through db': ['passed'],
      'and leaves nothing': ['passed'],
    })
  } else {
    // What is committed outlives a crash, but the run can make no further databases.
    expect(tests, output).toMatchObject({ before: ['passed'], meanwhile: ['passed'], 'and leaves nothing': ['failed'] })
    expect(output).toContain('(LEASE_LOST)')
  }
  const next = await project.run({ env })
  expect(next.tests, next.output).toMatchObject({ before: ['passed'], meanwhile: ['passed'] })
})
