import type { InProject } from '../environment/asked-in.js'
import type { Telling } from '../environment/in-environment.js'
import { accessTo } from '../run/access-to.js'
import type { KeptTest } from '../run/channel.js'
import { loadProject, openProject } from '../run/open-project.js'
import { describeTestServer } from '../server/open-server.js'

export interface PruneOptions extends InProject, Telling {
  /** Whether what is found is dropped. @default false */
  drop?: boolean
}

/** What failed tests of the project have left on purpose. */
export interface Pruning {
  /** `embedded PostgreSQL 18.4` */
  server: string
  /** The newest first. */
  kept: (KeptTest & { keptAt: string })[]
  /** Databases that were dropped. */
  dropped: string[]
  /** Those that could not be, and why: somebody is in it. */
  refused: { database: string; reason: string }[]
}

/**
 * Finds the databases that `keep: 'failed'` has kept for this project, and drops them if it is asked to. Those of other projects on
 * the same server are left alone.
 *
 * @throws what `startRun` does before it builds anything
 * @example const { kept } = await prune({ folder: process.cwd() })
 */
export async function prune({ folder, drop = false, begin, progress = () => {} }: PruneOptions): Promise<Pruning> {
  const loaded = await loadProject(folder)
  begin?.({ environment: loaded.environment, server: describeTestServer(loaded) })
  const { server, templates, close } = await openProject(loaded, progress, { workers: 1 })
  try {
    const ofProject = (await templates.listKept()).flatMap(({ database, details, keptAt }) => {
      const { project, path } = details as { project: string; path: string[] }
      if (project !== loaded.folder) return []
      return [{ test: path.join(' > '), database, ...accessTo(server, database), keptAt: keptAt.toISOString() }]
    })
    const pruning: Pruning = { server: server.description, kept: ofProject, dropped: [], refused: [] }
    for (const { database } of drop ? ofProject : []) {
      try {
        await templates.dropKept(database)
        pruning.dropped.push(database)
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'DROP_REFUSED') throw error
        pruning.refused.push({ database, reason: (error as Error).message })
      }
    }
    return pruning
  } finally {
    await close()
  }
}
