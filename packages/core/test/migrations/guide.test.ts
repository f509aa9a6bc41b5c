import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.js'
import { planMigrations } from '../../src/migrations/plan-migrations.js'
import { failureOf, makeProject, query, useServer } from './project.js'

// docs/guide/migrations.md: every snippet of it runs here
const server = useServer()
const text = await readFile(join(import.meta.dirname, '../../../../docs/guide/migrations.md'), 'utf8')

function snippets(language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].filter(match => match[1] === language).map(match => match[2]!)
}
/** Under the name in its first line. */
function named(snippet: string): [string, string] {
  return [/^(?:--|\/\/) (\S+)\n/.exec(snippet)![1]!, snippet]
}

test('every fence is one of those that run', () => {
  expect([...new Set([...text.matchAll(/^```(\w+)$/gm)].map(match => match[1]))].toSorted()).toEqual([
    'sql',
    'text',
    'ts',
  ])
})

test('the configs load and are accepted, and those with a command can be planned', async () => {
  const configs = snippets('ts')
  expect(configs.length).toBe(3)
  for (const config of configs) {
    await using project = await makeProject({
      'db/migrations/1.sql': '',
      'src/migrations/1.ts': '',
      'src/entities/user.ts': '',
      'src/data-source.ts': '',
    })
    const core = join(import.meta.dirname, '../../src/config/config.ts')
    const [file, content] = named(config)
    await project.write({ [file]: content.replace("'@seedbed/core'", JSON.stringify(core)) })
    const loaded = await loadConfig(project.folder)
    expect(Object.keys(loaded.config).length).toBeGreaterThan(0)
    const plan = await planMigrations(project.folder, loaded.config)
    expect(plan.description).toMatch(/db\/migrations|typeorm|no migrations found/)
  }
})

test('the SQL files run, in their order, twice on one server', async () => {
  const files = Object.fromEntries(snippets('sql').map(named))
  expect(Object.keys(files)).toEqual(['migrations/004_index.sql', 'migrations/005_roles.sql'])
  await using project = await makeProject({
    ...files,
    'migrations/001_books.sql': 'CREATE TABLE books (id int PRIMARY KEY, title text);',
  })
  await query(server.adminUrl(), 'alter role app createrole')
  for (let build = 0; build < 2; build++) {
    const url = await server.database()
    await (await planMigrations(project.folder, {})).apply({ url, knownRoles: [] })
    expect(await query(url, "select has_table_privilege('reporting', 'books', 'select')")).toEqual([true])
    expect(await query(url, "select to_regclass('books_by_title')::text")).toEqual(['books_by_title'])
  }
})

test('the error is the one that is shown', async () => {
  const [shown] = snippets('text')
  await using project = await makeProject({
    'migrations/003_orders.sql':
      'CREATE TABLE orders (id int PRIMARY KEY,\n  price numeric NOT NULL CHECK (prize > 0));',
  })
  const error = await failureOf(
    (await planMigrations(project.folder, {})).apply({ url: await server.database(), knownRoles: [] }),
  )
  expect(error.message).toContain(shown!.trimEnd())
})
