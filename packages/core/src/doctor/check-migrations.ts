import { connectReadOnly, type Session } from '@seedbed/environments/guard'
import { answerWithin, refusedHere } from '../environment/environment-status.js'
import { listed } from '../errors/listed.js'
import { refuseUncertain, type MigrationHistory } from '../migrations/migration-history.js'
import type { MigrationPlan } from '../migrations/migration-plan.js'
import { planMigrations } from '../migrations/plan-migrations.js'
import { findSeeds } from '../seeds/find-seeds.js'
import { ok, skipped, warning, type Check, type Found } from './finding.js'
import { foundBy } from './found-by.js'
import type { Project } from './shared.js'

export const checkMigrations: Check = {
  name: 'migrations',
  about:
    'Whether migrations and seeds are found, and no two that could be meant; of each environment but test, which migrations are pending, were changed after they ran, have not come to their end, or are not the project’s',
  async *run(shared) {
    const { folder, config, file, environments, asked } = await shared.project()
    const plan = await planMigrations(folder, config)
    yield ok(plan.description, { file })
    yield ok((await findSeeds(folder, config)).description, { file })
    if (plan.version === null) return
    const isRefused = refusedHere(asked)
    for (const environment of environments.filter(({ name }) => name !== 'test')) {
      const address = environment.databases[config.databases?.[0] ?? 'main']
      if (!address || 'missing' in address) {
        yield skipped(`nothing says where ${environment.name} is`, { environment })
        continue
      }
      const reason = isRefused(address.url)
      if (reason === undefined) yield* historyAt(address.url, environment, plan)
      else yield skipped(reason, { environment })
    }
  },
}

type Environment = Project['environments'][0]

async function* historyAt(url: string, environment: Environment, plan: MigrationPlan): AsyncIterable<Found> {
  const { name } = environment
  let session: Session | undefined
  try {
    session = await connectReadOnly(url, answerWithin)
    const history = await plan.history(session)
    await refuseUncertain(session, history, { environment: name, path: plan.description.replace(/ \(.*/, '') })
    yield* foundIn(history, environment)
  } catch (error) {
    const found = foundBy(error, environment, `what ${name} has had of them could not be read`)
    const isUnrecorded = (error as { code?: unknown }).code === 'MIGRATIONS_UNRECORDED'
    // Something else migrates it, and tests need nothing of it.
    yield isUnrecorded ? { ...found, level: 'warning' } : found
  } finally {
    await session?.close()
  }
}

function* foundIn({ applied, pending, changed, unknown }: MigrationHistory, environment: Environment): Iterable<Found> {
  const { name } = environment
  if (changed.length > 0) yield changedFinding(changed, environment)
  if (unknown.length > 0) {
    yield warning(`${name} has had ${listed(unknown)}, which the project does not have`, {
      why: 'Its schema is that of another branch, or of a newer version.',
      wayOut: ['Check out the branch that has it.'],
      environment,
    })
  }
  if (pending.length > 0) {
    yield warning(`${name} has not had ${listed(pending)} yet`, {
      why: 'What was tested with these migrations may fail there.',
      wayOut: [`seedbed prepare ${name}`],
      environment,
    })
  }
  if (changed.length + unknown.length + pending.length === 0) {
    yield ok(`${name} has had all ${applied.length} migrations`, { environment })
  }
}

export function changedFinding(changed: readonly string[], environment: Environment): Found {
  return warning(`${listed(changed)} of ${environment.name} had another content when it ran`, {
    why: 'Other databases get another schema of it than this one has.',
    wayOut: ['Give it its content back, and say in a migration of its own what is to be different.'],
    environment,
  })
}
