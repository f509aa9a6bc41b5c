import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { Template } from 'pg-template-db'
import type { TestEnvironment } from '../environment/test-environment.js'
import { preservedForRun } from '../preserve/preserved-for-run.js'
import { howToGetConnections } from '../server/connections.js'
import { withDatabase } from '../server/database-url.js'
import { explainNoConnection } from '../server/no-connection.js'
import type { Server } from '../server/server.js'
import { ensureTemplate, type ProjectTemplate } from '../template/ensure-template.js'
import { accessTo } from './access-to.js'
import { auditRun } from './audit-run.js'
import { openChannel, type Channel, type KeptTest } from './channel.js'
import { crashCheck } from './crash-check.js'
import { connectionVariables } from './connection-variables.js'
import { loadProject, openProject, readPlans, type Project } from './open-project.js'
import { printOnStandardError, reportMode } from './publish-report.js'
import { summariseNotes, type RunReport } from './report.js'
import { isolatedDatabases, type IsolatedDatabases } from './isolated-databases.js'
import { keeper, type Keeper } from './keep-clone.js'
import { makeRunFolder } from './run-folder.js'
import type { FailedRun, RunHandle, WorkerDatabase } from './run-handle.js'
import { watchFiles, type FileWatcher } from './watch-files.js'
import { sandboxUrl } from './worker-address.js'
import { isLeaseLost, workerDatabases, type WorkerDatabases } from './worker-databases.js'
import { writeFacts, type FileNote } from './worker-files.js'

export interface StartRunOptions {
  /** Where the runner's config is; the project's config is looked for from here upwards. */
  folder: string
  /** How many workers the runner may run at once. */
  slots: number
  /** Is told what takes time, a line at a time. @default printed on standard error */
  progress?: (line: string) => void
}

/** As a runner does that may watch files. */
export interface StartWatchedRunOptions extends StartRunOptions {
  /** Whether it does: a template that cannot be built is no end then, and `refresh` tries again. */
  watch: boolean
}

/** A run under way: holds the leases of its databases, so that they go free when this process dies. */
export interface Run<Handle = RunHandle> extends AsyncDisposable {
  readonly environment: TestEnvironment['environment']
  /** What the workers need at the start; `refresh` answers with another. */
  readonly handle: Handle
  /**
   * Has everything watched whose change calls for `refresh`, also what later configs and seeds name.
   *
   * @returns whether a file that has changed is of that kind
   */
  watch(watcher: FileWatcher): (file: string) => boolean
  /**
   * Before the tests run again in watch mode: a changed seed or migration builds a new template, or says why not. What changes
   * while it does so is in it, too, for everybody who has asked.
   *
   * @param tests those that still run: their databases are given back only behind them
   */
  refresh(tests?: Promise<unknown>): Promise<RunHandle | FailedRun>
  /** Gives the databases back and answers with what the run did. */
  close(): Promise<RunReport>
}

/**
 * Gets everything ready for a run's tests: reads the config, opens the server, finds or builds the template, and
 * prepares one database a slot. Nothing is left behind if it fails.
 *
 * @throws SeedbedError of config, server, migrations, seeds and templates: the run must not start then
 * @example
 * const run = await startRun({ folder: process.cwd(), slots: 2 })
 * // … workers: await openWorker(run.handle, slot)
 * const report = await run.close()
 */
export async function startRun(options: StartRunOptions): Promise<Run>
export async function startRun(options: StartWatchedRunOptions): Promise<Run<RunHandle | FailedRun>>
export async function startRun(options: StartRunOptions & { watch?: boolean }): Promise<Run<RunHandle | FailedRun>> {
  const lap = stopwatch()
  reportMode(process.env)
  const { progress = line => printOnStandardError(`seedbed  ${line}`) } = options
  const loaded = await loadProject(options.folder)
  auditRun(loaded)
  let { server, templates, project, asking, close } = await openProject(loaded, progress, { workers: options.slots })
  const start = { server: lap(), template: 0, databases: 0 }
  const notes: FileNote[] = []
  const dropped: RunReport['dropped'] = []
  const kept: KeptTest[] = []
  const databases = { cloned: 0, recycled: 0 }
  let serverWasAway = false
  let current: Prepared | undefined

  async function prepare({ config, keep, refusals, ...plans }: Project): Promise<Prepared> {
    const preserved = await preservedForRun(server, progress)
    const template = await ensureTemplate(templates, { ...plans, config, server, preserved }, progress)
    start.template = lap()
    const findProblem = template.unlogged ? await crashCheck(server.adminUrl) : undefined
    const clone = async (of: Template, count: number) => {
      const clones = await templates.clone(of, { count })
      for (const { recycled } of clones) databases[recycled ? 'recycled' : 'cloned'] += 1
      return clones
    }
    const clones = await clone(template.template, options.slots)
    start.databases = lap()
    const folder = await makeRunFolder()
    writeFacts(folder, { labels: template.labels, sequences: template.template.sequences })
    const keeping = keeper({ project: plans.folder, access: database => accessTo(server, database) })
    const ofWorkers = workerDatabases({
      folder,
      clones,
      another: async () => (await clone(template.template, 1))[0]!,
      assign: database => workerDatabase(server, database, { config, refusals }),
      keep: (database, path) => keeping.keep(database, path),
    })
    const isolated = isolatedDatabases({
      server,
      templates,
      template: template.template,
      slots: options.slots,
      clone,
      keep: (database, path) => keeping.keep(database, path),
    })
    const id = randomBytes(8).toString('hex')
    const { isolation = 'transaction', sequences = 'file', users = {}, ownThread = false } = config
    if (isolation !== 'transaction') await isolated.prepare(isolation)
    const channel = await openChannel({ ...ofWorkers, ...isolated })
    const handle: RunHandle = {
      id,
      project: plans.folder,
      folder,
      isolation,
      sequences,
      sandbox: { users, ownThread, whenFull: howToGetConnections(asking), findProblem },
      workers: ofWorkers.workers,
      main: channel.address,
      keep,
    }
    return { template, ofWorkers, isolated, keeping, channel, handle }
  }

  async function prepareAgain(): Promise<Prepared> {
    const loaded = await loadProject(options.folder)
    // What the config names is watched even if it is not there.
    watch(loaded.watched)
    try {
      const plans = await readPlans(loaded)
      watch(plans.watched)
      return await prepare(plans)
    } catch (error) {
      if (!isLeaseLost(error)) throw error
    }
    serverWasAway = true
    await close()
    ;({ server, templates, project, asking, close } = await openProject(loaded, progress, { workers: options.slots }))
    return prepare(project)
  }

  async function release(): Promise<void> {
    if (!current) return
    const { ofWorkers, isolated, keeping, channel, handle } = current
    current = undefined
    await channel.close()
    await isolated.release()
    const released = await ofWorkers.release()
    notes.push(...released.notes)
    dropped.push(...released.dropped)
    kept.push(...keeping.kept)
    await rm(handle.folder, { recursive: true, force: true })
  }

  let { watched } = project
  const watchers: FileWatcher[] = []

  function watch(paths: string[]): void {
    watched = paths
    for (const watcher of watchers) watcher.add(paths)
  }

  let isStale = false
  let refreshing: Promise<RunHandle | FailedRun> | undefined

  async function refreshBehind(tests?: Promise<unknown>): Promise<RunHandle | FailedRun> {
    await Promise.allSettled([tests])
    isStale = false
    // Given back first: with the same template the same databases come again, and the spoiled ones anew.
    await release()
    try {
      current = await prepareAgain()
    } catch (error) {
      return isStale ? refreshBehind() : { failure: (error as Error).message }
    }
    templateBuilt = current.template.built ?? templateBuilt
    return isStale ? refreshBehind() : current.handle
  }

  let failed: FailedRun | undefined
  try {
    current = await prepare(project)
  } catch (error) {
    if (!options.watch) {
      await close()
      throw explainNoConnection(error, asking) ?? error
    }
    failed = { failure: (error as Error).message }
  }
  const handle = failed ?? current!.handle
  let templateBuilt = current?.template.built ?? null
  const firstStart = { ...start, total: start.server + start.template + start.databases }

  const run: Run<RunHandle | FailedRun> = {
    environment: loaded.environment,
    handle,
    watch(watcher) {
      watchers.push(watcher)
      return watchFiles(watcher, () => watched)
    },
    refresh(tests) {
      isStale = true
      return (refreshing ??= refreshBehind(tests).finally(() => (refreshing = undefined)))
    },
    async close() {
      // What it gets ready would be nobody's.
      await refreshing
      try {
        await release()
        // What killed runs have left, and templates that nobody has used for a week.
        await templates.sweep()
      } catch (error) {
        if (!isLeaseLost(error)) throw error
        serverWasAway = true
      } finally {
        await close()
      }
      return {
        server: server.description,
        origin: server.origin,
        templateBuilt,
        databases,
        dropped,
        kept,
        serverWasAway,
        start: firstStart,
        ...summariseNotes(notes),
      }
    },
    async [Symbol.asyncDispose]() {
      await run.close()
    },
  }
  return run
}

/** Each call answers with the milliseconds since the one before. */
function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const before = last
    last = performance.now()
    return last - before
  }
}

interface Prepared {
  template: ProjectTemplate
  ofWorkers: WorkerDatabases
  isolated: IsolatedDatabases
  keeping: Keeper
  channel: Channel
  handle: RunHandle
}

function workerDatabase(
  server: Server,
  database: string,
  { config, refusals }: Pick<Project, 'config' | 'refusals'>,
): WorkerDatabase {
  const url = withDatabase(server.applicationUrl, database)
  const password = randomBytes(18).toString('base64url')
  const refusing = Object.fromEntries(refusals.map(({ variable, value }) => [variable, value]))
  const variables = { ...refusing, ...connectionVariables(sandboxUrl({ url, password }), config) }
  return { database, url, password, variables }
}
