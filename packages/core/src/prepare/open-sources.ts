import { refusalsOf } from '@seedbed/environments'
import { askedIn, type InProject } from '../environment/asked-in.js'
import { planMigrations } from '../migrations/plan-migrations.js'
import { refuseMeanwhile } from '../run/refuse-connections.js'
import { findSeeds } from '../seeds/find-seeds.js'
import type { PrepareSources } from './prepare-database.js'

/**
 * Reads what an environment's databases are made of. Until it is disposed of, variables of this process that lead elsewhere refuse: what
 * the project runs, migrations and seeds, runs here.
 *
 * @param options.environment the name that the command line gives
 * @throws SeedbedError what reading a config, planning migrations and finding seeds throws
 */
export async function openSources({
  folder,
  environment,
}: InProject & { environment?: string | undefined }): Promise<PrepareSources & Disposable> {
  // Before the variables refuse: the config may name them.
  const asked = { ...(await askedIn({ folder }, environment)), variables: { ...process.env } }
  const refusing = refuseMeanwhile(refusalsOf(asked)())
  try {
    const { config } = asked
    const [migrations, found] = await Promise.all([
      planMigrations(asked.folder, config),
      findSeeds(asked.folder, config),
    ])
    const seeds = { ...found, files: found.files.filter(path => !migrations.ownSeeds.includes(path)) }
    return {
      folder: asked.folder,
      config,
      asked,
      migrations,
      seeds,
      [Symbol.dispose]: () => refusing[Symbol.dispose](),
    }
  } catch (error) {
    refusing[Symbol.dispose]()
    throw error
  }
}
