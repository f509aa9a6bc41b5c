import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { makeProject } from '../support/project.js'

const hanging = `
  import { db } from 'seedbed'
  import { writeFileSync } from 'node:fs'
  test('is interrupted', async () => {
    await db.query("insert into users (name) values ('Eve')")
    writeFileSync('in-the-test', '')
    await db.query('select pg_sleep(60)')
  }, 60_000)`

const counting = `
  import { db } from 'seedbed'
  test('starts on the seed', async () => {
    const { rows } = await db.query("insert into users (name) values ('new') returning id")
    expect(rows).toEqual([{ id: 3 }])
  })`

test.each([1, 2])('Ctrl-C in the middle of a test with %i workers ends Jest and harms no other run', async workers => {
  await using project = await makeProject({ 'a.test.js': hanging, 'b.test.js': counting })
  const running = project.start({ workers })
  await vi.waitFor(() => expect(existsSync(join(project.folder, 'in-the-test'))).toBe(true), { timeout: 30_000 })
  running.child.kill('SIGINT')
  const { output } = await running.ended
  expect(output).not.toMatch(/did not exit|seedbed {2}.*Error/)
  await project.write({ 'a.test.js': counting })
  const next = await project.run({ workers })
  expect(next.tests, next.output).toEqual({ 'starts on the seed': ['passed', 'passed'] })
  expect(next.output).toMatch(/template reused/)
})
