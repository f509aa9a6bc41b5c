import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seedErrors } from './errors.js'
import { explainDeferred } from './explain-deferred.js'
import { findSeeds, kindOf, shownPath } from './find-seeds.js'
import { readLabelledRows } from './labelled-rows.js'
import { loadFiles } from './load-files.js'
import { isServerError, underSavepoint, type Queryable } from './queryable.js'
import { namedRows } from './read-labels.js'
import type { LabelledRows } from './seed-types.js'

/** Does what `loadSeed` says. */
export async function loadOneFile(db: Queryable, file: string | URL, folder: string): Promise<LabelledRows> {
  const path = file instanceof URL ? fileURLToPath(file) : resolve(folder, file)
  if (kindOf(path) === '.sql') throw seedErrors.SEED_SQL_IN_TEST({ file: shownPath(folder, path) })
  const { files } = await findSeeds(folder, { seeds: path }, 'loadSeed')
  return atomically(db, async () => {
    const { labelled, parts } = await loadFiles(db, files, folder, () => Promise.resolve())
    const broken = await explainDeferred(db, parts)
    // what the test itself has left unfinished is not the seed's business
    if (broken?.row) throw broken.error
    const rows = await readLabelledRows(labelled, async (sql, values) => (await db.query(sql, values)).rows)
    return namedRows(
      new Map(
        [...rows].map(([table, byLabel]) => [
          table.name,
          new Map([...byLabel].map(([label, row]) => [label, () => row])),
        ]),
      ),
    )
  })
}

/** Under a savepoint; where no transaction is open (25P01, no_active_sql_transaction), in a transaction of its own. */
async function atomically<Result>(db: Queryable, run: () => Promise<Result>): Promise<Result> {
  let began = false
  try {
    return await underSavepoint(db, 'seedbed_load', async () => {
      began = true
      return run()
    })
  } catch (error) {
    if (began || !isServerError(error) || error.code !== '25P01') throw error
  }
  await db.query('begin')
  try {
    const result = await run()
    await db.query('commit')
    return result
  } catch (error) {
    await db.query('rollback')
    throw error
  }
}
