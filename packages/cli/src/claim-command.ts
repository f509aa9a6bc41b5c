import { claimEnvironment, environmentCommandErrors, SeedbedError } from '@seedbed/core'
import { badge, type ResolvedEnvironment } from '@seedbed/environments'
import type { ClaimSummary } from '@seedbed/environments/guard'
import { askName, type Answer } from './ask.js'
import { contentsLines } from './contents-lines.js'
import { colour, plain, printJson, say } from './print.js'

/**
 * Shows what is in each database of an environment, and marks it as the environment's own when somebody has typed its name.
 *
 * @returns the exit code: 130 after Ctrl-C
 * @throws SeedbedError CLAIM_WITHOUT_TERMINAL, GUARD_CLAIM_DECLINED, and what `claimEnvironment` throws
 */
export async function claimCommand(folder: string, name: string, { json }: { json?: boolean }): Promise<number> {
  if (!process.stdin.isTTY) throw environmentCommandErrors.CLAIM_WITHOUT_TERMINAL({ environment: name })
  let answer: Answer = 'no'
  const confirm = async (summary: ClaimSummary, environment: ResolvedEnvironment<string>) => {
    const about = summaryLines(summary).map(line => `${badge(environment, process.stderr)} ${line}`)
    answer = await askName(
      about.join('\n'),
      "Type the database's name in full to claim it: ",
      summary.identity.database,
    )
    return answer === 'yes'
  }
  try {
    const markers = await claimEnvironment({ folder, name, confirm })
    const claimed = Object.values(markers)
    for (const { environment, tier, database } of claimed) say(`${database} of ${environment} (${tier}) is claimed`)
    if (claimed.length === 0) say('its databases are made when a run starts: there is nothing to claim')
    if (json) printJson(markers)
    return 0
  } catch (error) {
    if (!(error instanceof SeedbedError) || (answer as Answer) !== 'interrupted') throw error
    say('interrupted: nothing more was claimed')
    return 130
  }
}

function summaryLines({ environment, tier, project, database, ...found }: ClaimSummary): string[] {
  const { place, identity, contents, marker, copied } = found
  const owner = marker && `${marker.environment} (${marker.tier}), ${marker.database} of ${marker.project}`
  const origin = copied ? ', and the marker came along from another database' : ''
  return [
    plain(`${place} is to be ${environment} (${tier}), ${database} of ${project}; you are ${identity.role}`),
    owner === undefined
      ? 'it has no marker now'
      : colour('yellow', plain(`it is marked as ${owner}, by ${marker!.markedBy} at ${marker!.markedAt}${origin}`)),
    ...contentsLines(contents),
  ]
}
