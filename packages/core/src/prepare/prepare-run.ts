import type { InProject } from '../environment/asked-in.js'
import type { Telling } from '../environment/in-environment.js'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { preservedForRun } from '../preserve/preserved-for-run.js'
import { loadProject, openProject } from '../run/open-project.js'
import { isSealed } from '../server/cluster-record.js'
import { explainNoConnection } from '../server/no-connection.js'
import { describeTestServer } from '../server/open-server.js'
import type { Server } from '../server/server.js'
import { ensureTemplate } from '../template/ensure-template.js'

export interface PrepareRunOptions extends InProject, Telling {
  /** How many worker databases shall wait. @default one a core, the most that a runner takes by itself */
  workers?: number
}

/** What is ready for the next run. */
export interface PreparedRun extends Pick<Server, 'kind' | 'origin'> {
  /** `embedded PostgreSQL 18.4` */
  server: string
  template: string
  /** Why the template was built; null if it was there. */
  templateBuilt: string | null
  workers: number
  /** How many of their databases were made now. */
  cloned: number
  /** Of an embedded server: the cluster's folder. */
  folder: string | null
  /**
   * Whether that folder can be archived now: its server has stopped and a seal was set, by which a copy is checked. False
   * while another run uses the server: the last one out stops and seals it.
   */
  sealed: boolean
}

/**
 * Makes ready what a run would make at its start: the server, the template and a database for each worker; then stops the
 * server, if it is ours and nobody else's. A run that follows, here or where a CI has restored the folder, initialises,
 * builds and clones nothing. Done twice, the second does nothing. On a server of the user's the databases wait there.
 *
 * @throws what `startRun` does; nothing half-made is used then
 * @example
 * const { folder, sealed } = await prepareRun({ folder: process.cwd(), workers: 4 })
 */
export async function prepareRun(options: PrepareRunOptions): Promise<PreparedRun> {
  const { folder, workers = availableParallelism(), progress = () => {} } = options
  const loaded = await loadProject(folder)
  options.begin?.({ environment: loaded.environment, server: describeTestServer(loaded) })
  const opened = await openProject(loaded, progress, { workers, cached: true })
  const { server, asking } = opened
  let filled
  try {
    filled = await fill(opened, workers, progress)
  } catch (error) {
    throw explainNoConnection(error, asking) ?? error
  } finally {
    await opened.close()
  }
  return {
    ...filled,
    kind: server.kind,
    origin: server.origin,
    server: server.description,
    workers,
    folder: server.folder ?? null,
    sealed: server.folder !== undefined && (await isSealed(join(server.folder, 'cluster.json'))),
  }
}

/** Makes the template and its clones, and leaves them as a run does that has used none of them. */
async function fill(
  { server, templates, project }: Awaited<ReturnType<typeof openProject>>,
  workers: number,
  progress: (line: string) => void,
): Promise<Pick<PreparedRun, 'template' | 'templateBuilt' | 'cloned'>> {
  const { folder, config, migrations, seeds } = project
  const preserved = await preservedForRun(server, progress)
  const sources = { server, folder, config, migrations, seeds, preserved }
  const { template, built } = await ensureTemplate(templates, sources, progress)
  const clones = await templates.clone(template, { count: workers })
  await Promise.all(clones.map(clone => clone.release({ sessions: 0, clean: true })))
  await templates.sweep()
  return {
    template: template.database,
    templateBuilt: built,
    cloned: clones.filter(({ recycled }) => !recycled).length,
  }
}
