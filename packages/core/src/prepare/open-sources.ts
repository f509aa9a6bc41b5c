import type { InProject } from '../environment/asked-in.js'
import { openAsked } from '../environment/open-asked.js'
import { planMigrations } from '../migrations/plan-migrations.js'
import { findSeeds } from '../seeds/find-seeds.js'
import type { PrepareSources } from './prepare-database.js'

/**
 * Reads what an environment's databases are made of; see `openAsked`.
 *
 * @throws SeedbedError what `openAsked`, planning migrations and finding seeds throws
 */
export async function openSources(
  options: InProject & { environment?: string | undefined },
): Promise<PrepareSources & Disposable> {
  const opened = await openAsked(options)
  const { folder, config } = opened.asked
  try {
    const [migrations, found] = await Promise.all([planMigrations(folder, config), findSeeds(folder, config)])
    const seeds = { ...found, files: found.files.filter(path => !migrations.ownSeeds.includes(path)) }
    return { ...opened, folder, config, migrations, seeds }
  } catch (error) {
    opened[Symbol.dispose]()
    throw error
  }
}
