import { resetBare } from '@seedbed/core'
import { confirming } from './confirm.js'
import { databaseLines } from './prepare-command.js'
import { plain, printJson, say, sayPlace } from './print.js'
import { during } from './progress.js'

/**
 * Empties an environment and makes its schema anew, without seeds.
 *
 * @returns the exit code: 130 after Ctrl-C
 * @throws SeedbedError where it cannot be done
 */
export async function resetCommand(
  folder: string,
  { env, yes = false, json }: { env?: string | undefined; yes?: boolean; json?: boolean },
): Promise<number> {
  return confirming(async confirm => {
    const done = await resetBare({
      ...{ ...confirm, folder, environment: env, yes },
      ...{ begin: sayPlace, progress: line => say(plain(line)), during },
    })
    for (const line of done.flatMap(databaseLines)) say(line)
    if (json) printJson(done)
    return 0
  })
}
