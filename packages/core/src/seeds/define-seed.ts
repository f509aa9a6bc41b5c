import type { Queryable } from './queryable.js'

/** What a seed in code works with. */
export interface SeedTools {
  /** The connection that loads the seeds, in their transaction. Its statements take their turn. */
  db: Queryable
  /**
   * Puts rows into a table as a JSON seed would, with the same checks, and answers the rows as the database holds them
   * then. A `Date` goes as its UTC time, a `Buffer` as bytea, a `bigint` with all its digits, objects as JSON, lists as
   * arrays; what is `undefined` is left out and takes its default.
   *
   * @throws the errors of a JSON seed, with the place of the call
   * @example const ada = await insert('users', { name: 'Ada' })
   */
  insert: {
    <Row extends object = Record<string, unknown>>(table: string, rows: readonly object[]): Promise<Row[]>
    <Row extends object = Record<string, unknown>>(table: string, row: object): Promise<Row>
  }
}

/** What a seed hands out for `seeds` in the tests: table → label → a row of that table. */
export type LabelsOfSeed = Readonly<Record<string, Readonly<Record<string, object>>>>

/** A seed in code, the default export of a `.ts` or `.js` file among the seeds. */
export interface Seed {
  readonly [seedKey]: (tools: SeedTools) => Promise<LabelsOfSeed | void> | LabelsOfSeed | void
}

/** The same for every copy of this module: a seed may be loaded by another loader than the one that runs it. */
export const seedKey: unique symbol = Symbol.for('seedbed.seed') as never

/**
 * Makes a seed of a function. It runs once per template; the rows that it returns under labels are `seeds` in the tests.
 *
 * @example
 * export default defineSeed(async ({ insert }) => {
 *   const ada = await insert('users', { name: 'Ada' })
 *   await insert('posts', [{ author_id: ada.id, title: 'First' }])
 *   return { users: { ada } }
 * })
 */
export function defineSeed(run: Seed[typeof seedKey]): Seed {
  return { [seedKey]: run }
}

/** Whether a module's export was made by `defineSeed`. */
export function isSeed(value: unknown): value is Seed {
  return typeof value === 'object' && value !== null && seedKey in value
}
