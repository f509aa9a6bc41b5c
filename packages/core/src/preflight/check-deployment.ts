import type { ConfiguredEnvironment } from '@seedbed/environments'
import { ok, skipped, type Finding, type Found } from '../doctor/finding.js'
import type { Diagnosis } from '../doctor/doctor.js'
import type { AskedInProject } from '../environment/asked-in.js'
import { planMigrations } from '../migrations/plan-migrations.js'
import { driftFindings } from './drift.js'
import { lookAt, type Look } from './look.js'
import { pendingFindings } from './pending.js'
import { productionFindings } from './production-settings.js'

/**
 * Looks at the environments to which a deployment goes, and at those that come before them.
 *
 * @throws SeedbedError what planning migrations throws
 */
export async function checkDeployment(
  targets: readonly ConfiguredEnvironment[],
  before: readonly ConfiguredEnvironment[],
  asked: AskedInProject,
): Promise<Diagnosis> {
  const plan = await planMigrations(asked.folder, asked.config)
  const lookAll = (environments: readonly ConfiguredEnvironment[]) =>
    Promise.all(environments.map(each => lookAt(each, plan, asked)))
  const [there, here] = await Promise.all([lookAll(targets), lookAll(before)])

  const { extensions = [] } = asked.config
  const checks: Record<string, Found[]> = {
    reachable: [...there, ...here].map(reachability),
    migrations: there.flatMap(target => [...pendingFindings(target, here, plan)]),
    drift: [...driftFindings([...here, ...there])],
    settings: there.flatMap(target => [...productionFindings(target, here, extensions)]),
  }
  const findings = Object.entries(checks).flatMap(([check, found]) => found.map(each => findingOf(check, each)))
  // Of what cannot be reached nothing else can be said.
  return { checked: Object.keys(checks).filter(check => checks[check]!.length > 0), findings }
}

/** What is known of an environment has its passwords. */
const findingOf = (check: string, { environment, ...found }: Found): Finding => ({
  ...{ check, ...found },
  environment: environment && { name: environment.name, badge: environment.badge },
})

function reachability({ environment, place, failed, isMadeByRuns }: Look): Found {
  if (isMadeByRuns) return skipped('its databases are made when a run starts', { environment })
  return failed ?? ok(`${place} answers, and is marked as ${environment.name}`, { environment })
}
