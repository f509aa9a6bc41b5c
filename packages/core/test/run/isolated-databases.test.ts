import { readdir } from 'node:fs/promises'
import { startPostgres } from '@seedbed/postgres-for-tests'
import { openTemplates } from 'pg-template-db'
import { afterEach, expect, test, vi } from 'vitest'
import type { Server } from '../../src/server/server.js'
import { query } from '../server/support.js'

const room = new URL('../../src/restore/', import.meta.url)
const texts = (await readdir(room)).filter(name => name.endsWith('-sql.ts'))

afterEach(() => {
  for (const file of texts) vi.doUnmock(new URL(file, room).pathname)
  vi.resetModules()
})

/** From here on, what this file exports is another SQL to the same effect. */
function change(file: string): void {
  const another = (given: unknown): unknown =>
    typeof given === 'function' ? (...values: unknown[]) => another(given(...values)) : `${String(given)}\n`
  vi.doMock(new URL(file, room).pathname, async importOriginal =>
    Object.fromEntries(Object.entries(await importOriginal<object>()).map(([name, given]) => [name, another(given)])),
  )
  vi.resetModules()
}

test('the format of what is prepared depends on all that is prepared', async () => {
  const format = async () => (await import('../../src/restore/prepare-restore.js')).restoreFormat()
  const formats = [await format()]
  expect(formats[0]).toMatch(/^[0-9a-f]{16}$/)
  for (const file of texts) {
    change(file)
    formats.push(await format())
    vi.doUnmock(new URL(file, room).pathname)
  }
  vi.resetModules()
  expect(new Set(formats).size).toBe(1 + texts.length)
  expect(await format()).toBe(formats[0])
})

test('a template to be put back to is used again by the same code, and by no other', async () => {
  await using server = await startPostgres({ version: 18 })
  const { url } = server
  const templates = await openTemplates({ url, registry: 'registry' })
  const template = await templates.ensure({ key: 'a project', build: async () => {} })
  const known: Server = {
    kind: 'external',
    description: 'PostgreSQL',
    version: '18',
    origin: 'attached',
    adminUrl: url,
    applicationUrl: url,
    passwordIn: null,
    copy: 'file_copy',
    async [Symbol.asyncDispose]() {},
  }
  const run = async () => {
    const { isolatedDatabases } = await import('../../src/run/isolated-databases.js')
    const databases = isolatedDatabases({
      server: known,
      templates,
      template,
      slots: 1,
      clone: (of, count) => templates.clone(of, { count }),
      keep: () => Promise.reject(new Error('nothing is kept')),
    })
    await databases.prepare('restore')
    await databases.release()
    const made = await query(
      server.urlFor({ database: 'registry' }),
      "select key from template_db.databases where kind = 'template' and key <> 'a project' order by id",
    )
    return made.map(({ key }) => key)
  }
  try {
    const first = await run()
    expect(first).toEqual([expect.stringMatching(/^a project restore [0-9a-f]{16}$/)])
    expect(await run()).toEqual(first)
    change('look-sql.ts')
    expect(await run()).toEqual([...first, expect.stringMatching(/^a project restore [0-9a-f]{16}$/)])
  } finally {
    await templates.close()
  }
})
