import type { ClientBase } from 'pg'
import { readSqlFile } from '../migrations/read-sql-file.js'
import { runSqlFile } from '../migrations/run-sql-file.js'
import { explainDeferred } from './explain-deferred.js'
import { shownPath } from './find-seeds.js'
import type { RowKey } from './insert-rows.js'
import { readLabelledRows, type LabelledRow } from './labelled-rows.js'
import { loadFiles } from './load-files.js'
import type { Queryable } from './queryable.js'
import type { SeedLabels } from './seed-labels.js'

/**
 * Loads all the seeds of a template in one transaction, which it begins and commits: of seeds that fail nothing stays.
 * Triggers fire as they do for any INSERT, and foreign keys are checked; no right is needed beyond those of an owner.
 *
 * @param files absolute paths, in their order; see `findSeeds`
 * @param options.beforeCommit writes what is to be committed with them; if rows of the seeds are elsewhere then, says where
 * @returns the labelled rows as the database holds them at the end
 * @throws the errors of `src/seeds/errors.ts`, with file, line and column; SQL_FAILED for an SQL seed
 * @example const labels = await loadSeeds(client, plan.files, { projectFolder: '/app' })
 */
export async function loadSeeds(
  client: ClientBase,
  files: readonly string[],
  {
    projectFolder,
    beforeCommit,
  }: { projectFolder: string; beforeCommit?: () => Promise<((row: LabelledRow) => RowKey) | void> },
): Promise<SeedLabels> {
  const db: Queryable = { query: (text, values) => client.query(text, values) }
  await client.query('begin')
  try {
    const { labelled, parts } = await loadFiles(db, files, projectFolder, async path => {
      const file = shownPath(projectFolder, path)
      await runSqlFile(client, { file, text: await readSqlFile(path, file), transaction: 'caller' })
    })
    const broken = await explainDeferred(db, parts)
    if (broken) throw broken.error
    const keyOf = await beforeCommit?.()
    const labels = await readLabels(client, keyOf ? labelled.map(row => ({ ...row, key: keyOf(row) })) : labelled)
    await client.query('commit')
    return labels
  } catch (error) {
    await client.query('rollback').catch(() => {
      // the connection is gone: the first error says more
    })
    throw error
  }
}

async function readLabels(client: ClientBase, labelled: readonly LabelledRow[]): Promise<SeedLabels> {
  const rows = await readLabelledRows(labelled, async (text, values) => {
    const result = await client.query<(string | null)[]>({ text, values, rowMode: 'array', types: asText })
    const columns = result.fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID }))
    return result.rows.map(texts => ({ columns, texts }))
  })
  const tables = [...rows].map(([table, byLabel]) => {
    const all = [...byLabel].map(([label, { texts }]) => [label, texts] as const)
    const [first] = byLabel.values()
    return [table.name, { columns: first!.columns, rows: Object.fromEntries(all) }] as const
  })
  return { tables: Object.fromEntries(tables) }
}

/** Leaves every value as the server wrote it. */
const asText = { getTypeParser: () => (text: string) => text }
