import {
  cacheKey,
  prepare,
  refuseConnections,
  type PreparedDatabase,
  type PreparedEnvironment,
  type PreparedRun,
} from '@seedbed/core'
import { badge } from '@seedbed/environments'
import { confirming } from './confirm.js'
import { during } from './progress.js'
import { colour, plain, printJson, say, sayPlace } from './print.js'

interface Asked {
  env?: string | undefined
  all?: boolean
  fresh?: boolean
  baseline?: string
  workers?: number
  yes?: boolean
  json?: boolean
}

/**
 * Makes environments ready, and says what was done; with `json`, on standard output.
 *
 * @returns the exit code: 1 if one of several is not ready, 130 after Ctrl-C
 * @throws SeedbedError where the only one cannot be made ready
 */
export async function prepareCommand(folder: string, { env, json, ...options }: Asked): Promise<number> {
  return confirming(async confirm => {
    const prepared = await prepare({
      ...{ ...options, ...confirm, folder, environment: env },
      ...{ begin: sayPlace, progress: line => say(plain(line)), during },
    })
    for (const each of prepared) for (const line of environmentLines(each)) say(line)
    if (json) printJson(prepared)
    return prepared.every(({ problem }) => problem === null) ? 0 : 1
  })
}

/** Prints the key of a CI's cache alone, so that a step can take it as it is; with `json`, what it is made of, too. */
export async function cacheKeyCommand(folder: string, { json }: { json?: boolean }): Promise<void> {
  refuseConnections()
  const { key, parts } = await cacheKey(folder)
  process.stdout.write(json ? `${JSON.stringify({ key, parts }, null, 2)}\n` : `${key}\n`)
}

function environmentLines({ environment, databases, run, problem }: PreparedEnvironment): string[] {
  if (problem)
    return [colour('red', plain(`${environment} is not ready: ${problem.message} ${problem.hint} (${problem.code})`))]
  return [...databases.flatMap(databaseLines), ...(run ? runLines(run) : [])]
}

/** What was done to a database; the same for every command that does it. */
export function databaseLines(done: PreparedDatabase): string[] {
  const { environment, database, migrated, adopted, schemaVersion, seeded, steps } = done
  const count = (list: readonly unknown[], one: string, more: string) =>
    list.length === 0 ? [] : [`${list.length} ${list.length === 1 ? one : more}`]
  const acts = [
    ...(done.created ? ['created'] : []),
    ...(done.reset ? ['reset'] : []),
    ...count(adopted, 'migration noted', 'migrations noted'),
    ...count(migrated, 'migration', 'migrations'),
    ...(seeded ? ['seeded'] : []),
    ...count(steps, 'step', 'steps'),
  ]
  const facts = acts.length === 0 ? ['it was there, with all of it'] : acts
  const start = `${badge(done, process.stderr)} ${environment} ${database}`
  const version = schemaVersion === null ? [] : [`schema ${schemaVersion}`]
  return [
    `${start} ready: ${plain([...facts, ...version].join(' · '))}`,
    ...done.notes.map(note => `${start}: ${colour('yellow', plain(note))}`),
  ]
}

function runLines(done: PreparedRun): string[] {
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
