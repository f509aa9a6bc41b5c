import { readFileSync } from 'node:fs'
import type { EnvironmentsConfig, Variables } from '../config.js'
import type { ResolvedEnvironment } from '../resolve/resolve-environment.js'
import { isOn, isThere } from '../resolve/runner.js'
import { applicationErrors } from './errors.js'

/** Names a file that stands for the "yes" that was typed to `seedbed run`; it is there while that command's child runs. */
export const consentVariable = 'SEEDBED_CONSENT'

/** What that file says, as JSON. */
export interface ConsentFile {
  environment: string
  /** The process that has asked; when it is gone, so is the consent. */
  pid: number
}

interface Asked {
  config: Pick<EnvironmentsConfig<string>, 'consent' | 'select'>
  /** The process's own: a file's do not consent. */
  variables: Variables
  /** Whether somebody could be asked. */
  terminal: boolean
}

/**
 * Lets through whatever is not production, and production for whoever has consent: the child of a `seedbed run` that has
 * asked, or where no terminal is, the process that a configured variable or platform shows to be production's own.
 *
 * @throws SeedbedError PRODUCTION_WITHOUT_CONSENT
 */
export function requireConsent(environment: Pick<ResolvedEnvironment, 'name' | 'tier'>, asked: Asked): void {
  if (environment.tier !== 'production') return
  if (isChild(environment.name, asked.variables)) return
  if (!asked.terminal && isProductionsOwn(asked)) return
  const { consent, select } = asked.config
  const platform = consent?.platform === undefined ? undefined : select?.platforms?.[consent.platform]?.variable
  throw applicationErrors.PRODUCTION_WITHOUT_CONSENT({
    environment: environment.name,
    terminal: asked.terminal,
    variables: [consent?.variable, platform].filter(name => name !== undefined),
  })
}

function isProductionsOwn({ config: { consent, select }, variables }: Asked): boolean {
  if (consent?.variable !== undefined && isOn(consent.variable, variables)) return true
  const platform = consent?.platform === undefined ? undefined : select?.platforms?.[consent.platform]
  return platform !== undefined && isThere(platform.variable, variables)
}

function isChild(environment: string, variables: Variables): boolean {
  const file = variables[consentVariable]
  if (file === undefined) return false
  try {
    const said = JSON.parse(readFileSync(file, 'utf8')) as ConsentFile
    if (said.environment !== environment || !Number.isSafeInteger(said.pid) || said.pid <= 0) return false
    return process.kill(said.pid, 0)
  } catch {
    return false
  }
}
