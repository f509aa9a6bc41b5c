import type { SelectConfig, SelectionRule, Variables } from '../config.js'
import { environmentErrors } from './errors.js'
import { misconfigured, normalName, type KnownEnvironment, type KnownEnvironments } from './known-environments.js'
import type { ResolveInput } from './resolve-environment.js'
import { isOn, isSet, isThere, runnerOf } from './runner.js'

interface Selection {
  environment: KnownEnvironment
  explicit: boolean
  reason: string
  notes: string[]
}

/** What a rule says: the name as it was given, and how it was said. */
interface Choice {
  name: string
  said: string
}

/** Asks the rules in their order. An explicit choice may name production; the others may not. */
export function select(input: ResolveInput<string>, known: KnownEnvironments): Selection {
  const { config, flag, purpose = 'application' } = input
  const settings = config.select ?? {}
  const said = explicitChoices(input, settings, known)
  const runner = purpose === 'run' ? 'a test run' : runnerOf(input.variables)
  if (runner) {
    const environment = named({ name: 'test', said: runner }, known)
    const notes = othersThan(environment, said, known).map(other => `${other} is not followed: tests run in test`)
    return { environment, explicit: true, reason: `under ${runner}`, notes }
  }
  if (isSet(flag)) {
    const [first, ...rest] = said as [Choice, ...Choice[]]
    const environment = named(first, known)
    const notes = othersThan(environment, rest, known).map(
      other => `${other} is not followed: ${first.said} goes first`,
    )
    return { environment, explicit: true, reason: first.said, notes }
  }
  refuseContradictions(said, known)
  for (const rule of settings.order ?? defaultOrder) {
    const choice = rules[rule](input, settings, known)
    if (!choice) continue
    const environment = named(choice, known)
    const isExplicit = said.some(({ name }) => known.find(name)?.name === environment.name)
    if (!isExplicit) refuseProduction(environment, choice, settings)
    return { environment, explicit: isExplicit, reason: choice.said, notes: [] }
  }
  const choice = { name: settings.default ?? (purpose === 'command' ? 'test' : 'development'), said: 'default' }
  const environment = named(choice, known)
  refuseProduction(environment, choice, settings)
  return { environment, explicit: false, reason: 'default', notes: [] }
}

const defaultOrder: readonly SelectionRule[] = ['flags', 'variable', 'script', 'branch', 'platform']

type Rule = (input: ResolveInput<string>, settings: SelectConfig, known: KnownEnvironments) => Choice | undefined

const rules: Record<SelectionRule, Rule> = {
  flags: (input, settings) => flagChoices(layered(input), settings)[0],
  variable: (input, settings) => variableChoices(layered(input), settings)[0],
  script({ variables }, { scripts = {} }) {
    const script = variables.npm_lifecycle_event
    if (script === undefined || !Object.hasOwn(scripts, script)) return undefined
    return { name: scripts[script]!, said: `npm run ${script}` }
  },
  branch({ branch }, { branches = {} }) {
    if (branch === undefined) return undefined
    const fitting = Object.entries(branches).find(([pattern]) => fits(branch, pattern))
    if (!fitting) return undefined
    const [pattern, name] = fitting
    return { name: name.replaceAll('{branch}', nameOfBranch(branch)), said: `branch ${branch} matches '${pattern}'` }
  },
  platform({ variables }, { platforms = {} }) {
    const there = Object.values(platforms).filter(each => each.environment && isThere(each.variable, variables))
    const [first, other] = there
    if (first && other)
      throw environmentErrors.ENVIRONMENT_CONTRADICTION({
        first: `${first.variable} is set`,
        second: `${other.variable} is set`,
      })
    return first && { name: first.environment!, said: `${first.variable}=${variables[first.variable]!.trim()}` }
  },
}

function explicitChoices(input: ResolveInput<string>, settings: SelectConfig, known: KnownEnvironments): Choice[] {
  const { flag } = input
  const variables = layered(input)
  checkNames(settings, known)
  return [
    ...(isSet(flag) ? [{ name: flag, said: `--env ${flag.trim()}` }] : []),
    ...flagChoices(variables, settings),
    ...variableChoices(variables, settings),
  ]
}

function flagChoices(variables: Variables, { flags = {} }: SelectConfig): Choice[] {
  return Object.entries(flags)
    .filter(([, variable]) => isOn(variable, variables))
    .map(([name, variable]) => ({ name, said: `${variable}=${variables[variable]!.trim()}` }))
}

function variableChoices(variables: Variables, { variables: names = ['ENVIRONMENT'] }: SelectConfig): Choice[] {
  return names
    .filter(name => isSet(variables[name]))
    .map(name => ({ name: variables[name]!, said: `${name}=${variables[name]!.trim()}` }))
}

/** The process's variables go before those of `.env`; a blank one says nothing. */
export function layered({ variables, envFile = {} }: Pick<ResolveInput<string>, 'variables' | 'envFile'>): Variables {
  return { ...envFile, ...Object.fromEntries(Object.entries(variables).filter(([, value]) => isSet(value))) }
}

function named({ name, said }: Choice, known: KnownEnvironments): KnownEnvironment {
  const environment = known.find(name)
  if (environment) return environment
  throw environmentErrors.ENVIRONMENT_UNKNOWN({
    said,
    name: normalName(name),
    known: known.named.map(each => each.name),
  })
}

function othersThan({ name }: KnownEnvironment, said: Choice[], known: KnownEnvironments): string[] {
  return said.filter(choice => known.find(choice.name)?.name !== name).map(choice => choice.said)
}

function refuseContradictions(said: Choice[], known: KnownEnvironments): void {
  const [first, ...others] = said
  const other = others.find(choice => named(choice, known).name !== named(first!, known).name)
  if (other) throw environmentErrors.ENVIRONMENT_CONTRADICTION({ first: first!.said, second: other.said })
}

function refuseProduction(environment: KnownEnvironment, { said }: Choice, settings: SelectConfig): void {
  if (environment.tier !== 'production') return
  const flag = Object.entries(settings.flags ?? {}).find(([name]) => normalName(name) === environment.name)?.[1]
  const variable = (settings.variables ?? ['ENVIRONMENT'])[0]
  const ways = [
    `--env ${environment.name}`,
    ...(flag ? [`${flag}=true`] : []),
    ...(variable ? [`${variable}=${environment.name}`] : []),
  ]
  throw environmentErrors.PRODUCTION_NOT_CHOSEN({ said, environment: environment.name, ways })
}

/** A rule that names an environment which does not exist would be found out on the day that it decides. */
function checkNames(settings: SelectConfig, known: KnownEnvironments): void {
  const { flags = {}, scripts = {}, branches = {}, platforms = {}, default: fallback } = settings
  const names = [
    ...Object.keys(flags).map(name => ['select.flags', name] as const),
    ...Object.values(scripts).map(name => ['select.scripts', name] as const),
    ...Object.values(branches).map(name => ['select.branches', name.replaceAll('{branch}', 'a')] as const),
    ...Object.values(platforms).flatMap(each =>
      each.environment ? [['select.platforms', each.environment] as const] : [],
    ),
    ...(fallback === undefined ? [] : [['select.default', fallback] as const]),
  ]
  for (const [option, name] of names) {
    if (!known.find(name)) throw misconfigured(option, `there is no environment "${name}"`)
  }
}

/** `*` stands for anything, slashes too. */
function fits(branch: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return branch === pattern
  const last = rest.pop()!
  if (!branch.startsWith(first) || !branch.endsWith(last) || branch.length < first.length + last.length) return false
  let middle = branch.slice(first.length, branch.length - last.length)
  for (const part of rest) {
    const at = middle.indexOf(part)
    if (at === -1) return false
    middle = middle.slice(at + part.length)
  }
  return true
}

/** `feature/Mean reversion` → `feature-mean-reversion`. */
function nameOfBranch(branch: string): string {
  return normalName(branch)
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
}
