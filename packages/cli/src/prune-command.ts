import { accessLines, prune, refuseConnections, type Pruning } from '@seedbed/core'
import { colour, say, sayPlace } from './print.js'

/**
 * Lists the databases that failed tests have left, and drops them with `yes`; with `json`, on standard output.
 *
 * @returns the exit code: 1 if one of them could not be dropped
 * @throws SeedbedError where the server cannot be opened
 */
export async function pruneCommand(
  folder: string,
  { yes = false, json }: { yes?: boolean; json?: boolean },
): Promise<number> {
  refuseConnections()
  const pruning = await prune({
    folder,
    drop: yes,
    begin: sayPlace,
    progress: say,
  })
  for (const line of linesOf(pruning, yes)) say(line)
  if (json) process.stdout.write(`${JSON.stringify(pruning, null, 2)}\n`)
  return pruning.refused.length > 0 ? 1 : 0
}

function linesOf({ kept, dropped, refused }: Pruning, yes: boolean): string[] {
  if (kept.length === 0) return ['no failed test of this project has kept its database']
  const entries = kept.flatMap(each => [
    `kept ${each.keptAt.slice(0, 16).replace('T', ' ')} UTC: ${each.test}`,
    ...accessLines(each),
  ])
  if (!yes) return [...entries, 'seedbed prune --yes drops them; without it, each goes after seven days']
  return [
    ...dropped.map(database => `dropped ${database}`),
    ...refused.map(({ database, reason }) => colour('yellow', `${database} is still there: ${reason}`)),
  ]
}
