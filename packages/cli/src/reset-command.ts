import { resetBare, resetDatabase, type ConflictRule, type Reset } from '@seedbed/core'
import { confirming } from './confirm.js'
import { databaseLines } from './prepare-command.js'
import { rowOf } from './preserve-command.js'
import { colour, plain, print, printJson, say, sayPlace } from './print.js'
import { during } from './progress.js'

/** What the command line says, but for the environment. */
export interface ResetAsked {
  bare?: boolean
  dryRun?: boolean
  tables?: string[]
  except?: string[]
  schema?: string
  conflicts?: ConflictRule
  triggers?: boolean
  yes?: boolean
  json?: boolean
}

/**
 * Brings an environment back to its seeds, or with `bare` to its schema alone.
 *
 * @returns the exit code: 130 after Ctrl-C
 * @throws SeedbedError where it cannot be done
 */
export async function resetCommand(
  folder: string,
  { env, bare, json, ...asked }: ResetAsked & { env: string | undefined },
): Promise<number> {
  return confirming(async confirm => {
    const options = {
      ...{ ...confirm, ...asked, folder, environment: env },
      ...{ begin: sayPlace, progress: (line: string) => say(plain(line)), during },
    }
    if (bare) {
      const done = await resetBare(options)
      for (const line of done.flatMap(databaseLines)) say(line)
      if (json) printJson(done)
      return 0
    }
    const done = await resetDatabase(options)
    if (json) printJson(done)
    else for (const line of linesOf(done)) print(line)
    return 0
  })
}

function linesOf({ environment, dryRun, tables, kept, missing, conflicts }: Reset): string[] {
  const would = dryRun ? 'would be ' : ''
  const moved = tables.filter(({ before, seeded }) => before + seeded > 0)
  const sum = (of: (table: Reset['tables'][number]) => number) => tables.reduce((rows, table) => rows + of(table), 0)
  const gone = sum(({ before, kept }) => before - kept)
  return [
    ...moved.map(({ table, before, kept, seeded }) =>
      plain(`  ${table}: ${before - kept} ${would}gone, ${kept} ${would}kept, ${seeded} ${would}seeded`),
    ),
    ...kept.map(each => {
      const { because } = each
      const why = 'mark' in because ? 'preserved' : `${because.references} refers to it`
      return colour('dim', `  ${would}kept: ${rowOf(each)}, ${why}`, process.stdout)
    }),
    ...conflicts.map(({ table, same }) =>
      colour(
        'yellow',
        `  in the place of a row of the seeds, or the other way round: ${rowOf({ table, key: same })}`,
        process.stdout,
      ),
    ),
    ...missing.map(each => colour('yellow', `  preserved, and not there any more: ${rowOf(each)}`, process.stdout)),
    `${environment} ${dryRun ? 'would be' : 'is'} as its seeds leave it: ${gone} rows ${would}gone, ${sum(({ kept }) => kept)} ${would}kept, ${sum(({ seeded }) => seeded)} ${would}seeded`,
  ]
}
