import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { startPostgres } from '@seedbed/postgres-for-tests'
import { expect, test } from 'vitest'
import { makeProject } from './support/project.js'

test('prepare says where, what was made and what to cache; the second time nothing is made', async () => {
  await using project = await makeProject({ TEST_DATABASE_URL: undefined })
  const env = { SEEDBED_HOME: join(project.folder, '.seedbed') }
  const first = await project.seedbed(['prepare', '--workers', '2'], { env })
  const lines = first.stderr.trim().split('\n')
  expect(first).toMatchObject({ code: 0, stdout: '' })
  expect(lines[0]).toBe('seedbed  [TEST] test · the PostgreSQL from npm')
  expect(lines.at(-2)).toMatch(
    /^seedbed {2}ready: embedded PostgreSQL [\d.]+ · template built: the first of this project · 2 worker databases, 2 of them cloned$/,
  )
  const [, folder] = /^seedbed {2}to be cached: (.+)$/.exec(lines.at(-1)!)!
  expect(existsSync(join(folder!, 'cluster.json'))).toBe(true)

  const second = await project.seedbed(['prepare', '--workers', '2', '--json'], { env })
  expect(JSON.parse(second.stdout)).toMatchObject([
    {
      environment: 'test',
      databases: [],
      run: { origin: 'started', templateBuilt: null, cloned: 0, folder, sealed: true },
    },
  ])
  expect(second.stderr).toMatch(/· template was there · 2 worker databases were there$/m)
})

test('cache key is one line, and starts nothing; with --json it says what it is made of', async () => {
  await using project = await makeProject({ TEST_DATABASE_URL: undefined })
  const env = { SEEDBED_HOME: join(project.folder, '.seedbed') }
  const plain = await project.seedbed(['cache', 'key'], { env })
  expect(plain).toEqual({ code: 0, stdout: expect.stringMatching(/^seedbed-[\w.-]+\n$/) as string, stderr: '' })
  const { key, parts } = JSON.parse((await project.seedbed(['cache', 'key', '--json'], { env })).stdout) as {
    key: string
    parts: Record<string, string>
  }
  expect(`${key}\n`).toBe(plain.stdout)
  expect(Object.keys(parts)).toContain('migrations/1_users.sql')
  expect(existsSync(env.SEEDBED_HOME)).toBe(false)
})

test('with a server of the user’s, prepare says that all stays there, and cache key why there is none', async () => {
  await using server = await startPostgres()
  await using project = await makeProject({ TEST_DATABASE_URL: server.url })
  const prepared = await project.seedbed(['prepare', '--workers', '1'])
  expect(prepared.code, prepared.stderr).toBe(0)
  expect(prepared.stderr).toMatch(/^seedbed {2}\[TEST\] test · postgresql:\/\/.*\n/)
  // Nobody has named it, and a run needs no more than its server.
  expect(prepared.stderr).toMatch(/^seedbed {2}"postgres" itself is left alone: "postgres" has no marker/m)
  expect((await project.seedbed(['prepare', 'test'])).stderr).toContain('GUARD_MARKER_MISSING')
  expect(prepared.stderr).toMatch(/^seedbed {2}it all stays on that server: there is no folder to cache$/m)
  const key = await project.seedbed(['cache', 'key'])
  expect(key).toMatchObject({ code: 1, stdout: '' })
  expect(key.stderr).toMatch(/\(CACHE_NOTHING_TO_KEEP\)/)
})

test.each(['0', '-1', 'two', '1.5'])('--workers %s is refused', async workers => {
  await using project = await makeProject({})
  expect(await project.seedbed(['prepare', `--workers=${workers}`])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/It has to be a whole number from 1\./) as string,
  })
})
