import { cacheKey, prepare, refuseConnections, type Preparation } from '@seedbed/core'
import { colour, say, sayPlace } from './print.js'

/**
 * Makes ready what a run needs, and says what; with `json`, on standard output.
 *
 * @throws SeedbedError where it cannot be made ready
 */
export async function prepareCommand(folder: string, options: { workers?: number; json?: boolean }): Promise<void> {
  // Seeds in TypeScript are run in this process.
  refuseConnections()
  const preparation = await prepare({
    folder,
    ...(options.workers !== undefined && { workers: options.workers }),
    begin: sayPlace,
    progress: say,
  })
  for (const line of preparationLines(preparation)) say(line)
  if (options.json) process.stdout.write(`${JSON.stringify(preparation, null, 2)}\n`)
}

/** Prints the key of a CI's cache alone, so that a step can take it as it is; with `json`, what it is made of, too. */
export async function cacheKeyCommand(folder: string, { json }: { json?: boolean }): Promise<void> {
  refuseConnections()
  const { key, parts } = await cacheKey(folder)
  process.stdout.write(json ? `${JSON.stringify({ key, parts }, null, 2)}\n` : `${key}\n`)
}

function preparationLines(done: Preparation): string[] {
  const { server, templateBuilt, workers, cloned, kind, folder, sealed } = done
  const databases = `${workers} worker ${workers === 1 ? 'database' : 'databases'}`
  const facts = [
    server,
    templateBuilt === null ? 'template was there' : `template built: ${templateBuilt}`,
    cloned === 0 ? `${databases} were there` : `${databases}, ${cloned} of them cloned`,
  ]
  const isInUse = 'Another run uses the server. Archive the folder when that has ended.'
  return [
    `ready: ${facts.join(' · ')}`,
    ...(kind === 'embedded'
      ? [`to be cached: ${folder}`]
      : ['it all stays on that server: there is no folder to cache']),
    ...(kind === 'embedded' && !sealed ? [colour('yellow', isInUse)] : []),
  ]
}
