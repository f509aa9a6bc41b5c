import { currentWorker, type Db, type Seeds } from '@seedbed/core/worker'
import { test as base, type TestAPI } from 'vitest'
import { scopeOf } from './scope.js'

export { db, seeds, type Db, type SeedFiles, type Seeds } from '@seedbed/core/worker'

/** An interface, so that TypeScript looks `Seeds` up in the project that has named its seed files. */
interface Fixtures {
  db: Db
  seeds: Seeds
}

/**
 * Vitest's `test` with `db`, whose writes go with the test (a concurrent one has its own sandbox), and labelled `seeds`.
 *
 * @example test('renames', async ({ db, seeds }) => { await db.query('…', [seeds.author.ada.id]) })
 */
export const test: TestAPI<Fixtures> = base.extend<Fixtures>({
  db: async ({ task }, use) => {
    const db = currentWorker('db').dbOf(scopeOf(task))
    await use(db)
    db.end()
  },
  // oxlint-disable-next-line no-empty-pattern -- Vitest reads a fixture's dependencies off this pattern
  seeds: async ({}, use) => use(currentWorker('seeds').seeds),
})
