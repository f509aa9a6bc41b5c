import type { Check, Finding, Found } from './finding.js'
import { foundBy } from './found-by.js'
import { shareAmongChecks, type Shared } from './shared.js'

export interface DoctorOptions {
  /** The project's config is looked for from here upwards. */
  folder: string
  /** The only environment to look at, by its name or an alias, besides the tests' server. @default all of the config */
  environment?: string | undefined
}

export interface Diagnosis {
  /** The names of the checks, in their order: each has one finding or more. */
  checked: string[]
  findings: Finding[]
}

/**
 * Looks whether all is in order that tests and commands need: config, variables, secrets in the repository, the tests' server and
 * the rights of their role, each of which is tried, and that this role reaches nothing protected. Every finding has its way out.
 *
 * Nothing that it does stays: what it writes is on the tests' server only, after the same guard as a test run's, in transactions that
 * are rolled back and in a database of its own, which is dropped. To protected databases it opens read-only sessions; under a test
 * runner none at all. An embedded server or a container is not started for it.
 *
 * @returns at once all findings; a password is in none of them
 * @example
 * const { findings } = await doctor({ folder: process.cwd() })
 * const problems = findings.filter(({ level }) => level === 'problem')
 */
export async function doctor({ folder, environment }: DoctorOptions): Promise<Diagnosis> {
  const { checks } = await import('./checks.js')
  const shared = shareAmongChecks(folder, environment)
  try {
    const findings = await Promise.all(checks.map(check => findingsOf(check, shared)))
    return { checked: checks.map(({ name }) => name), findings: findings.flat() }
  } finally {
    await shared.close()
  }
}

/** What one of them finds; whatever happens to it. */
export async function findingsOf(check: Check, shared: Shared): Promise<Finding[]> {
  const findings: Finding[] = []
  const add = ({ environment, ...found }: Found) =>
    findings.push({ check: check.name, ...found, environment: environment && printable(environment) })
  try {
    for await (const found of check.run(shared)) add(found)
  } catch (error) {
    add(foundBy(error))
  }
  return findings
}

/** What checks know of an environment has its passwords. */
const printable = ({ name, badge }: NonNullable<Found['environment']>) => ({ name, badge })
