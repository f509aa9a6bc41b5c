import { restoreSequences } from 'pg-template-db/sequences'
import type { Sandbox } from 'pg-sandbox'
import { readFacts } from '../run/worker-files.js'

/** A ROLLBACK does not put sequences back, so that what comes next would get other ids. */
export async function putSequencesBack(sandbox: Sandbox, runFolder: string): Promise<void> {
  const { sequences } = readFacts(runFolder)
  await sandbox.maintain(query => restoreSequences({ query }, sequences))
}
