import { startPostgres } from '@seedbed/postgres-for-tests'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { expect, test, vi } from 'vitest'
import { makeProject } from './support/project.js'

const hanging = (file: string) => `
  import { writeFileSync } from 'node:fs'
  import { db } from 'seedbed'
  test('goes on for a minute', async () => {
    await db.query("insert into users (name) values ('Eve')")
    writeFileSync('${file}', '')
    await new Promise(resolve => setTimeout(resolve, 60_000))
  }, 70_000)`

test('workers whose main process alone is killed end with it, and so do their sessions', async () => {
  await using server = await startPostgres()
  await using project = await makeProject({ 'a.test.js': hanging('in-a'), 'b.test.js': hanging('in-b') })
  const running = project.start({ workers: 2, env: { TEST_DATABASE_URL: server.url } })
  const isIn = (name: string) => existsSync(join(project.folder, name))
  await vi.waitFor(() => expect([isIn('in-a'), isIn('in-b')]).toEqual([true, true]), { timeout: 30_000 })
  running.child.kill('SIGKILL')
  const client = new Client(server.url)
  await client.connect()
  const others = "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
  await vi.waitFor(async () => expect((await client.query(others)).rows).toEqual([]), { timeout: 20_000 })
  await client.end()
})
