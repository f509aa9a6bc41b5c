import { currentWorker, type Db, type Seeds } from '@seedbed/core/worker'
import { test as base, type TestAPI } from 'vitest'
import { scopeOf } from './scope.js'

export { db, isolation, seeds, type Db, type Isolation, type SeedFiles, type Seeds } from '@seedbed/core/worker'

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
  db: ({ task }, use) => currentWorker('db').lendDb(scopeOf(task), use),
  seeds: async ({}, use) => use(currentWorker('seeds').seeds), // oxlint-disable-line no-empty-pattern -- Vitest reads it.
})
