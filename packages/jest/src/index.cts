import type { Db, Seeds, TestHandle } from '@seedbed/core/worker' with { 'resolution-mode': 'import' }
export type { Db, Isolation, SeedFiles, Seeds } from '@seedbed/core/worker' with { 'resolution-mode': 'import' }
const { [Symbol.for('seedbed.worker')]: handle } = globalThis as { [key: symbol]: TestHandle | undefined }
if (!handle) throw new Error('@seedbed/jest was loaded outside of Jest, or without its preset.')

/**
 * The client of whatever scope is running: file, describe or test.
 * @example const { rows } = await db.query('select name from author where id = $1', [seeds.author.ada.id])
 */
export const db: Db = handle.db
/** The labelled rows of the seeds. */
export const seeds: Seeds = handle.seeds // Named here: the declarations would hold what it means without a project's seeds.
/** Says under which isolation tests run, in a file, in a describe, or for one: `isolation('restore', test)('pays', …)`. */
export const isolation: TestHandle['isolation'] = handle.isolation
