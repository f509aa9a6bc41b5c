import { configuredEnvironment, configuredEnvironments, type ConfiguredEnvironment } from '@seedbed/environments'
import { ok, skipped, type Finding, type Found } from '../doctor/finding.js'
import type { Diagnosis } from '../doctor/doctor.js'
import { askedIn, type InProject } from '../environment/asked-in.js'
import { planMigrations } from '../migrations/plan-migrations.js'
import { driftFindings } from './drift.js'
import { preflightErrors } from './errors.js'
import { lookAt, type Look } from './look.js'
import { pendingFindings } from './pending.js'
import { productionFindings } from './production-settings.js'

export interface PreflightOptions extends InProject {
  /** Where it is to be deployed, by its name or an alias. @default each environment whose tier is production */
  environment?: string | undefined
}

/**
 * Looks, before a deployment, whether it may go ahead: that test and staging have had the migrations that production is going to get,
 * that nobody has changed a schema by hand, and that production's server is set up as it has to be. It changes nothing and reads no
 * rows. Under a test runner it connects to nothing protected.
 *
 * What cannot be looked at is a problem: a deployment does not go ahead on what nobody knows.
 *
 * @throws SeedbedError PREFLIGHT_WITHOUT_TARGET, ENVIRONMENT_UNKNOWN, and what reading a config and planning migrations throws
 * @example
 * const { findings } = await preflight({ folder: process.cwd() })
 * const mayGo = findings.every(({ level }) => level !== 'problem')
 */
export async function preflight({ folder, environment }: PreflightOptions): Promise<Diagnosis> {
  const asked = await askedIn({ folder })
  const all = configuredEnvironments(asked)
  const targets =
    environment === undefined
      ? all.filter(({ tier }) => tier === 'production')
      : [configuredEnvironment(environment, `seedbed preflight --env ${environment}`, asked)]
  if (targets.length === 0) {
    throw preflightErrors.PREFLIGHT_WITHOUT_TARGET({ known: all.map(({ name }) => name) })
  }
  const isTarget = ({ name }: ConfiguredEnvironment) => targets.some(target => target.name === name)
  const before = all.filter(each => !isTarget(each) && (each.tier === 'test' || each.tier === 'staging'))
  const plan = await planMigrations(asked.folder, asked.config)
  const lookAll = (environments: ConfiguredEnvironment[]) =>
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
