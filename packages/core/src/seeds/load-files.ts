import { advanceSequences } from './advance-sequences.js'
import { seedErrors } from './errors.js'
import { kindOf, shownPath } from './find-seeds.js'
import type { TableRows } from './insert-rows.js'
import { readJsonSource } from './json-source.js'
import { labelledRows, refuseSameLabels, type LabelledRow } from './labelled-rows.js'
import { loadRows } from './load-rows.js'
import { parseSeedJson } from './parse-seed-json.js'
import { isServerError, type Queryable } from './queryable.js'
import { runSeedModule } from './run-seed-module.js'

export interface LoadedFiles {
  labelled: LabelledRow[]
  /** The rows of the JSON seeds, for what is found out about them later. */
  parts: TableRows[]
}

/**
 * Loads seeds in their order inside a transaction. JSON seeds that follow each other are loaded as one, so that their
 * rows may refer to each other in any order; what is SQL or code stands between them, and finds what comes before it.
 * After each step every sequence stands behind its column.
 *
 * @param folder what errors show paths from
 * @param runSql runs an SQL seed inside the transaction
 */
export async function loadFiles(
  db: Queryable,
  files: readonly string[],
  folder: string,
  runSql: (file: string) => Promise<void>,
): Promise<LoadedFiles> {
  const result: LoadedFiles = { labelled: [], parts: [] }
  for (const step of stepsOf(files)) {
    if (step.json) {
      const sources = await Promise.all(step.json.map(file => readJsonSource(file, shownPath(folder, file))))
      const loaded = await loadRows(db, sources.flatMap(parseSeedJson))
      result.parts.push(...loaded)
      result.labelled.push(...labelledRows(loaded))
    } else {
      const { file } = step
      await insideTransaction(db, shownPath(folder, file), async () => {
        if (kindOf(file) === '.sql') await runSql(file)
        else result.labelled.push(...(await runSeedModule(db, file, folder)))
      })
      await advanceSequences(db)
    }
    refuseSameLabels(result.labelled)
  }
  return result
}

type Step = { json: string[] } | { json?: undefined; file: string }

function stepsOf(files: readonly string[]): Step[] {
  const steps: Step[] = []
  for (const file of files) {
    const last = steps.at(-1)
    if (kindOf(file) !== '.json') steps.push({ file })
    else if (last?.json) last.json.push(file)
    else steps.push({ json: [file] })
  }
  return steps
}

/** A seed that ends the transaction would leave a part of the seeds behind; its savepoint is gone with it. */
async function insideTransaction(db: Queryable, shown: string, run: () => Promise<void>): Promise<void> {
  await db.query('savepoint seedbed_step')
  await run()
  await db.query('release savepoint seedbed_step').catch((error: unknown) => {
    if (!isServerError(error)) throw error
    if (error.code === inFailedTransaction) {
      const reason = 'a statement was refused, and the seed caught the error: its transaction cannot go on'
      throw seedErrors.SEED_FAILED({ at: shown, reason }, { cause: error })
    }
    throw seedErrors.SEED_ENDED_TRANSACTION({ file: shown }, { cause: error })
  })
}

/** in_failed_sql_transaction (manual, appendix A). */
const inFailedTransaction = '25P02'
