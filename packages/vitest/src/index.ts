import { currentWorker, type Db, type Seeds } from '@seedbed/core/worker'
import { test as base } from 'vitest'
import { scopeOf } from './scope.js'

export { db, seeds, type Db, type Seeds } from '@seedbed/core/worker'

/**
 * Vitest's `test` with two fixtures: `db`, a client whose writes are gone when the test ends (a concurrent test gets a
 * session of its own), and `seeds`, the labelled rows.
 *
 * @example test('renames', async ({ db, seeds }) => { await db.query('…', [seeds.author.ada.id]) })
 */
export const test = base.extend<{ db: Db; seeds: Seeds }>({
  db: async ({ task }, use) => {
    const db = currentWorker('db').dbOf(scopeOf(task))
    await use(db)
    await db.end()
  },
  // oxlint-disable-next-line no-empty-pattern -- Vitest reads a fixture's dependencies off this pattern
  seeds: async ({}, use) => use(currentWorker('seeds').seeds),
})
