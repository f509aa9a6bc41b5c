import { resolve } from 'node:path'
import { everyDatabase } from '@seedbed/environments'
import type { BuildHolder, BuildWait } from 'pg-template-db'
import { loadConfig, type LoadedConfig } from '../config/load-config.js'
import { environmentLines, testEnvironment, type TestEnvironment } from '../environment/test-environment.js'
import { planMigrations } from '../migrations/plan-migrations.js'
import { findSeeds } from '../seeds/find-seeds.js'
import { printableUrl } from '../server/database-url.js'
import { loadPg } from '../server/load-pg.js'
import { explainNoConnection } from '../server/no-connection.js'
import { openServer } from '../server/open-server.js'
import type { Server } from '../server/server.js'
import { connectionParts } from './connection-variables.js'
import { keepsFailed } from './keep-mode.js'
import { outsideVariables, refuseVariables, withOutsideEnvironment } from './refuse-connections.js'

/**
 * Opens the server, and while it starts, reads what the template is made of and loads what makes it. `close` gives both up,
 * templates and server.
 *
 * @param options how many workers shall find room on the server; whether its cluster is to be archived
 */
export async function openProject(
  loaded: LoadedProject,
  progress: (line: string) => void,
  options: { workers: number; cached?: boolean },
) {
  const { folder, config, testUrl } = loaded
  const { workers } = options
  for (const line of environmentLines(loaded)) progress(line)
  let reading: ReturnType<typeof readPlans> | undefined
  const read = () => (reading ??= readPlans(loaded))
  const server = await openServer({
    ...options,
    projectFolder: folder,
    config,
    testUrl,
    progress,
    // Done before, it would only keep the server from being started.
    meanwhile: () => void Promise.allSettled([read(), loadTemplateDb()]),
  })
  const { applicationUrl } = server
  const asking = { url: printableUrl(applicationUrl), role: connectionParts(applicationUrl).user, workers }
  try {
    const authorize = server.kind === 'external' ? await guardServer(applicationUrl, loaded) : undefined
    const project = await read()
    const { openTemplates } = await loadTemplateDb()
    const templates = await openTemplates({ ...templateOptions(server, progress), ...(authorize && { authorize }) })
    const close = async () => {
      await templates.close()
      await server[Symbol.asyncDispose]()
    }
    return { server, templates, project, asking, close }
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw explainNoConnection(error, asking) ?? error
  }
}

/** Nobody else is on a server of ours. */
async function guardServer(url: string, { folder, input }: LoadedProject) {
  const [{ refuseProtectedDatabases }, { authorizeTemplates }] = await Promise.all([
    import('../server/protected-databases.js'),
    import('@seedbed/environments/guard'),
  ])
  await refuseProtectedDatabases(
    url,
    folder,
    everyDatabase(input).filter(each => each.protected),
  )
  return authorizeTemplates({ ...input, url })
}

/** With `pg`, the largest part of all that a run loads. */
function loadTemplateDb(): Promise<typeof import('pg-template-db')> {
  loadPg()
  return import('pg-template-db')
}

export type Project = Awaited<ReturnType<typeof readPlans>>

type LoadedProject = LoadedConfig & TestEnvironment & { keep: boolean; watched: string[] }

/** Reads the config, and from then on refuses what would lead to a protected environment. */
export async function loadProject(from: string): Promise<LoadedProject> {
  const config = await withOutsideEnvironment(() => loadConfig(from))
  const loaded = { ...config, ...testEnvironment(config, outsideVariables()) }
  refuseVariables(loaded.refusals)
  return { ...loaded, keep: keepsFailed(config.config, process.env, loaded.testUrl), watched: namedBy(config) }
}

/** The config, and what it names, whether it is there or not. */
function namedBy({ folder, file, config: { migrations, seeds = [] } }: LoadedConfig): string[] {
  const named = [typeof migrations === 'string' ? migrations : [], seeds].flat(2)
  return [...(file ? [file] : []), ...named.map(path => resolve(folder, path))]
}

export async function readPlans({ folder, config, keep, refusals, watched: named }: LoadedProject) {
  const [migrations, found] = await Promise.all([planMigrations(folder, config), findSeeds(folder, config)])
  const seeds = { ...found, files: found.files.filter(path => !migrations.ownSeeds.includes(path)) }
  const watched = [...new Set([...named, ...migrations.watched, ...seeds.watched])]
  return { folder, config, keep, refusals, migrations, seeds, watched }
}

function templateOptions(server: Server, progress: (line: string) => void) {
  return {
    url: server.adminUrl,
    registry,
    owner: connectionParts(server.applicationUrl).user,
    copy: server.copy,
    pooler: server.pooler ?? false,
    onWait: ({ holder, milliseconds }: BuildWait) =>
      progress(
        `waiting for ${describeHolder(holder)}, which builds the template (${Math.round(milliseconds / 1_000)} s)`,
      ),
  }
}

/** The database in which runs keep account, on a server of tests, of what they make there. */
export const registry = 'seedbed_registry'

const describeHolder = (holder: BuildHolder | undefined) =>
  holder ? `process ${holder.pid} on ${holder.host}` : 'another process'
