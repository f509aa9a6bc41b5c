import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { startPostgres } from '@seedbed/postgres-for-tests'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { makeProject, withFiles, type Project } from './support/project.js'

/** A run whose tests write and fail, as a runner's adapter tells it. */
const failing = `
  import { startRun } from '@seedbed/core'
  import { openWorker } from '@seedbed/core/worker'
  const run = await startRun({ folder: process.cwd(), slots: 1 })
  const worker = await openWorker(run.handle, 1)
  const file = { id: 'file', kind: 'file', name: 'users.test.ts' }
  await worker.enter(file)
  for (const name of ['renames', 'removes']) {
    const test = { id: name, kind: 'test', name }
    await worker.enter(test)
    await worker.db.query("insert into users (name) values ('new')")
    await worker.leave({ ...test, failed: true })
  }
  await worker.leave(file)
  await worker.close()
  await run.close()`

const fail = ({ folder }: Project, url: string) =>
  promisify(execFile)(process.execPath, ['fail.mjs'], {
    cwd: folder,
    env: { ...process.env, TEST_DATABASE_URL: url, SEEDBED_KEEP: 'failed' },
  })

test('prune lists what failed tests of the project have kept, and drops it with --yes, but not under somebody’s feet', async () => {
  await using server = await startPostgres()
  const usual = { TEST_DATABASE_URL: server.url }
  await using project = await makeProject(usual, withFiles({ 'fail.mjs': failing }))
  await using other = await makeProject(usual, withFiles({ 'fail.mjs': failing }))
  await fail(project, server.url)
  await fail(other, server.url)

  const listed = await project.seedbed(['prune', '--json'])
  const { kept } = JSON.parse(listed.stdout) as { kept: { test: string; database: string; keptAt: string }[] }
  expect(kept.map(({ test }) => test)).toEqual(['users.test.ts > removes', 'users.test.ts > renames'])
  expect(listed.code).toBe(0)
  const lines = listed.stderr.trim().split('\n')
  expect(lines[0]).toMatch(/^seedbed {2}\[TEST\] test · postgresql:\/\//)
  expect(lines[1]).toMatch(/^seedbed {2}kept \d{4}-\d\d-\d\d \d\d:\d\d UTC: users\.test\.ts > removes$/)
  expect(lines[2]).toMatch(new RegExp(`^seedbed    psql 'postgresql://.*/${kept[0]!.database}'$`))
  expect(lines.at(-1)).toBe('seedbed  seedbed prune --yes drops them; without it, each goes after seven days')

  // Nothing was dropped, and each can be looked at.
  const client = new Client(server.urlFor({ database: kept[0]!.database }))
  await client.connect()
  expect((await client.query('select name from users order by id')).rows).toEqual([{ name: 'Ada' }, { name: 'new' }])
  const busy = await project.seedbed(['prune', '--yes'])
  expect(busy.code).toBe(1)
  expect(busy.stderr).toContain(`dropped ${kept[1]!.database}`)
  expect(busy.stderr).toMatch(new RegExp(`${kept[0]!.database} is still there: `))
  await client.end()

  expect(await project.seedbed(['prune', '--yes'])).toMatchObject({ code: 0, stdout: '' })
  const none = await project.seedbed(['prune'])
  expect(none.stderr).toMatch(/no failed test of this project has kept its database\n$/)
  // Those of the other project are all there.
  const others = JSON.parse((await other.seedbed(['prune', '--json'])).stdout) as { kept: unknown[] }
  expect(others.kept).toHaveLength(2)
})
