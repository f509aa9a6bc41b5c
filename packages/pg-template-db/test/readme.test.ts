import { readFile, rm, writeFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import * as api from '../src/index.js'
import { inventory, query, site } from './support.js'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

test("the README's example runs as it stands, and a second time with the same databases", async () => {
  const server = { ...site(18), registry: 'pg_template_db' } // it names none, so it gets the default
  const [, example = ''] = /```ts\n([^]*?)```/.exec(readme) ?? []
  const program = new URL('readme-example.ts', import.meta.url)
  vi.stubEnv('TEST_DATABASE_URL', server.url)
  await writeFile(program, example.replace("'pg-template-db'", "'../src/index.js'"))
  try {
    await import(`${program.href}?first`)
    const { registered } = await inventory(server)
    await import(`${program.href}?second`)
    expect((await inventory(server)).registered).toEqual(registered)
    expect(registered).toEqual([
      expect.stringMatching(/^clone_shop_schema_1_[0-9a-f]{32}$/),
      expect.stringMatching(/^template_shop_schema_1_[0-9a-f]{32}$/),
      expect.stringMatching(/^template_shop_schema_1_large_[0-9a-f]{32}$/),
    ])
    const products = await query(server.urlFor({ database: registered[0] ?? '' }), 'select * from products order by id')
    expect(products).toEqual([
      { id: 1, name: 'tea' },
      { id: 2, name: 'coffee' },
    ])
  } finally {
    vi.unstubAllEnvs()
    await rm(program)
  }
})

test('the README names every function and option that there is', async () => {
  const templates = await site(18).open()
  const functions = [
    ...Object.keys(api).filter(name => name !== 'TemplateError'),
    ...Object.keys(templates).map(name => `templates.${name}`),
  ]
  for (const name of functions) expect(readme).toContain(`\`${name}(`)
  for (const option of ['url', 'registry', 'owner', 'copy', 'authorize', 'onWait'])
    expect(readme).toMatch(`| \`${option}`)
})
