import { knownEnvironments, type EnvironmentsConfig, type SourceConfig } from '@seedbed/environments'

/** Something that can be said, or left unsaid, in one of several ways. */
export interface WayToSay {
  /** `ENVIRONMENT`, `branch`, `terminal`. */
  name: string
  values: Said[]
}

export interface Said {
  /** For people: `staging`, `none`. */
  text: string
  variables?: Record<string, string>
  flag?: string
  branch?: string
  terminal?: boolean
}

/** What the rules of a config listen to, what goes before comes first. */
export function waysToSay(config: EnvironmentsConfig<string>): WayToSay[] {
  const { select = {}, consent } = config
  const { named } = knownEnvironments(config)
  const names = [...named.map(({ name }) => name), ...(config.environments?.['*'] ? [anyOther] : [])]
  const set = (name: string, value = 'true', text = name): Said => ({ text, variables: { [name]: value } })
  const ways: WayToSay[] = [
    { name: 'runner', values: [{ text: 'no' }, set('VITEST', 'true', 'yes')] },
    { name: '--env', values: [none, ...names.map(flag => ({ text: flag, flag }))] },
    { name: 'flags', values: upToTwo(Object.values(select.flags ?? {}).map(name => set(name))) },
    ...(select.variables ?? ['ENVIRONMENT']).map(variable => ({
      name: variable,
      values: [none, ...names.map(name => set(variable, name, name))],
    })),
    {
      name: 'npm script',
      values: [none, ...Object.keys(select.scripts ?? {}).map(script => set('npm_lifecycle_event', script, script))],
    },
    {
      name: 'branch',
      values: [
        none,
        ...Object.keys(select.branches ?? {})
          .map(fitting)
          .map(branch => ({ text: branch, branch })),
      ],
    },
    {
      name: 'platform',
      values: upToTwo(
        Object.entries(select.platforms ?? {}).map(([text, { variable }]) => set(variable, 'true', text)),
      ),
    },
    { name: 'consent', values: [none, ...(consent?.variable === undefined ? [] : [set(consent.variable)])] },
    { name: 'terminal', values: [{ text: 'no' }, { text: 'yes', terminal: true }] },
    { name: 'CI', values: [{ text: 'no' }, { text: 'yes', variables: { CI: 'true', ...addressesInCi(config) } }] },
  ]
  return ways.filter(({ values }) => values.length > 1)
}

const none: Said = { text: 'none' }

/** What `*` in `environments` stands for. */
const anyOther = 'any-other'

/** A branch that fits a pattern. */
const fitting = (pattern: string) => pattern.replaceAll('*', 'x')

function upToTwo(values: Said[]): Said[] {
  const pairs = values.flatMap((first, index) =>
    values.slice(index + 1).map(second => ({
      text: `${first.text} and ${second.text}`,
      variables: { ...first.variables, ...second.variables },
    })),
  )
  return [none, ...values, ...pairs]
}

/** Every variable from which the config takes an address, with one whose host is called like the variable. */
export function madeUpAddresses(config: EnvironmentsConfig<string>): Record<string, string> {
  return Object.fromEntries(
    everyConfig(config)
      .flatMap(each => [each, ...Object.values(each.databases ?? {})])
      .flatMap(each => (each ? [each, each.internal, each.external, each.pooled] : []))
      .flatMap(source => (source ? addressIn(source) : [])),
  )
}

function addressIn({ variable, parts }: SourceConfig): [string, string][] {
  return [
    ...(variable === undefined ? [] : [[variable, urlNamed(variable)] satisfies [string, string]]),
    ...(parts
      ? ([
          [`${parts.prefix}HOST`, hostNamed(`${parts.prefix}HOST`)],
          [`${parts.prefix}NAME`, 'main'],
        ] satisfies [string, string][])
      : []),
  ]
}

function addressesInCi(config: EnvironmentsConfig<string>): Record<string, string> {
  const variables = everyConfig(config).flatMap(({ ci }) => (ci ? [ci.variable] : []))
  return Object.fromEntries(variables.map(variable => [variable, urlNamed(variable)]))
}

function everyConfig(config: EnvironmentsConfig<string>) {
  const others = config.environments?.['*']
  return [...knownEnvironments(config).named.map(each => each.config), ...(others ? [others] : [])]
}

const hostNamed = (variable: string) => variable.toLowerCase().replaceAll('_', '-')
const urlNamed = (variable: string) => `postgresql://${hostNamed(variable)}/main`
