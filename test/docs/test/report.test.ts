import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeProject } from '../../../packages/vitest/test/support/project.js'
import { read } from './documents.js'

const document = read('docs/guide/report.md')
const shown = (language: string) => new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'm').exec(document)![1]!

const users = {
  'users.test.ts': `
    import { test } from '@seedbed/vitest'
    test('lists users by name', async ({ db }) => {
      for (const name of ['Grace', 'Ada']) await db.query('select $1::text', [name])
    })
    test('renames', async ({ db }) => {
      for (const milliseconds of [0, 0, 50]) await db.query('select pg_sleep($1)', [milliseconds / 1_000])
    })`,
}

test('docs/guide/report.md: the lines that it shows are those that come', async () => {
  await using project = await makeProject(users)
  const args = ['run', '--maxWorkers=2']
  const { output } = await project.vitest({ args, env: { SEEDBED_REPORT: '1' } })
  const from = output.lastIndexOf('seedbed  embedded')
  expect(withoutNumbers(output.slice(from).trimEnd())).toBe(withoutNumbers(shown('').trimEnd()))
})

test('docs/guide/report.md: the file has what it shows, and nothing else', async () => {
  await using project = await makeProject(users)
  expect((await project.vitest({ env: { SEEDBED_REPORT: 'seedbed.json' } })).exitCode).toBe(0)
  const written: unknown = JSON.parse(readFileSync(join(project.folder, 'seedbed.json'), 'utf8'))
  expect(shapeOf(written)).toEqual(shapeOf(JSON.parse(shown('json'))))
})

/** In columns of any width. */
const withoutNumbers = (text: string) => text.replace(/ *\d+(\.\d+)?/g, ' #')

/** Its keys, and of a list the first. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? 'text' : 'other'
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shapeOf(each)]))
}
