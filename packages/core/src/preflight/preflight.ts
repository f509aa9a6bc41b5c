import { configuredEnvironment, configuredEnvironments, type ConfiguredEnvironment } from '@seedbed/environments'
import type { Diagnosis } from '../doctor/doctor.js'
import { askedIn, type InProject } from '../environment/asked-in.js'
import { preflightErrors } from './errors.js'

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
  const { checkDeployment } = await import('./check-deployment.js')
  return checkDeployment(targets, before, asked)
}
