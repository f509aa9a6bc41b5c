import fc from 'fast-check'
import { expect, test } from 'vitest'
import { resolveEnvironment, SeedbedError, type EnvironmentsConfig, type ResolveInput } from '@seedbed/environments'

/** Two of them have aliases, one takes what nobody has named, and two are production. */
const environments: EnvironmentsConfig<string>['environments'] = {
  test: { aliases: ['int'], variable: 'INT_URL' },
  development: { url: 'postgresql://dev:pw-dev@localhost/dev' },
  staging: { variable: 'STG_URL', ci: { variable: 'DATABASE_URL' } },
  production: { aliases: ['prod', 'live'], variable: 'PROD_URL' },
  eu: { tier: 'production', parts: { prefix: 'EU_' } },
  '*': { tier: 'development', url: 'postgresql://b:pw-branch@localhost/any', name: 'b_{environment}' },
}
const names = ['test', 'int', 'development', 'staging', 'production', 'prod', 'LIVE ', 'eu', 'feature-x', '', ' ', '!?']
const rule = fc.constantFrom('flags', 'variable', 'script', 'branch', 'platform')
const name = fc.constantFrom(...names)
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
/** What is wrong is rare, or little else would be seen. */
const mostly = (usual: string[], rare: string) =>
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: fc.constant(rare) })
const onOff = maybe(mostly(['true', '1', 'false', '', ' TRUE '], 'maybe'))

const inputs = fc
  .record({
    order: maybe(fc.shuffledSubarray(['flags', 'variable', 'script', 'branch', 'platform'] as const)),
    first: rule,
    flags: maybe(fc.constant({ staging: 'USE_STG', production: 'USE_PROD' })),
    variables: maybe(fc.constant(['ENVIRONMENT', 'DATABASE_TARGET'])),
    branches: maybe(
      fc.constantFrom({ main: 'production', '*': '{branch}' }, { 'feature/*': 'staging' }, { '*': 'eu' }),
    ),
    scripts: maybe(fc.constantFrom({ start: 'staging' }, { start: 'production' })),
    platforms: maybe(fc.constantFrom({ a: { variable: 'RENDER', environment: 'eu' } }, { a: { variable: 'RENDER' } })),
    fallback: maybe(fc.constantFrom('test', 'production', 'staging', 'development')),
    process: fc.record({
      USE_STG: onOff,
      USE_PROD: onOff,
      ENVIRONMENT: maybe(name),
      DATABASE_TARGET: maybe(name),
      npm_lifecycle_event: maybe(fc.constantFrom('start', 'test')),
      RENDER: onOff,
      CI: onOff,
      VITEST: maybe(fc.constant('true')),
      INT_URL: maybe(mostly(['postgresql://t:pw-int@localhost/int'], 'nonsense-pw')),
      STG_URL: maybe(mostly(['postgresql://s:pw-stg@stg/app'], 'postgresql://s:pw-stg@prod.example/app')),
      PROD_URL: maybe(mostly(['postgresql://p:pw-prod@PROD.example:5432/app'], 'mysql://p:pw@x/y')),
      DATABASE_URL: maybe(fc.constant('postgresql://c:pw-ci@localhost:15432/ci')),
      EU_HOST: maybe(fc.constantFrom('eu.example', '::1')),
      EU_NAME: maybe(fc.constantFrom('app', 'dev')),
      EU_PASSWORD: maybe(fc.constant('pw-eu/@')),
    }),
    file: fc.record({ ENVIRONMENT: maybe(name), USE_PROD: onOff, PROD_URL: maybe(fc.constant('postgresql://f/f')) }),
    flag: maybe(name),
    branch: maybe(fc.constantFrom('main', 'feature/x', 'production', 'Live', '---')),
    purpose: maybe(fc.constantFrom('application', 'command')),
  })
  .map(({ order, flags, variables, branches, scripts, platforms, fallback, process, file, flag, branch, purpose }) => {
    const select = { order, flags, variables, branches, scripts, platforms, default: fallback }
    const given = Object.fromEntries(Object.entries(select).filter(([, value]) => value !== undefined))
    const input: ResolveInput<string> = {
      config: { environments: environments!, select: given },
      variables: process,
      envFile: file,
      flag,
      branch,
      ...(purpose !== undefined && { purpose: purpose as 'application' | 'command' }),
    }
    return input
  })

const production = /^(production|prod|live|eu)$/i
const blank = (value: string | undefined) => value === undefined || value.trim() === ''

/** What somebody has said in so many words, as the issue lists it: nothing else may lead to production. */
function explicitlyProduction({ config, variables, envFile = {}, flag }: ResolveInput<string>): boolean {
  const value = (name: string) => (blank(variables[name]) ? envFile[name] : variables[name])?.trim() ?? ''
  const named = (config.select?.variables ?? ['ENVIRONMENT']).some(name => production.test(value(name)))
  const flagged = config.select?.flags !== undefined && /^(true|1|yes|on)$/i.test(value('USE_PROD'))
  return production.test(flag?.trim() ?? '') || named || flagged
}

test('one environment with a true reason, or an error that names the input; production only if somebody chose it', () => {
  const seen = { environments: new Set<string>(), codes: new Set<string>(), production: 0 }
  fc.assert(
    fc.property(inputs, input => {
      const outcome = attempt(input)
      // Pure: asked twice it answers the same.
      expect(attempt(input)).toEqual(outcome)
      if (outcome instanceof SeedbedError) {
        seen.codes.add(outcome.code)
        expect(outcome.message).not.toMatch(/pw-/)
        expect(namesAnInput(outcome.message, input)).toBe(true)
        return
      }
      seen.environments.add(outcome.name)
      if (outcome.tier === 'production') {
        seen.production += 1
        expect(explicitlyProduction(input)).toBe(true)
        expect(outcome.protected).toBe(true)
        expect(input.variables.VITEST).toBeUndefined()
      }
      if (input.variables.VITEST) expect(outcome.name).toBe('test')
      expect(isTrue(outcome.reason, input)).toBe(true)
    }),
    { numRuns: 5_000 },
  )
  // Otherwise it would have shown little.
  expect(seen.production).toBeGreaterThan(100)
  expect([...seen.environments]).toEqual(
    expect.arrayContaining(['test', 'development', 'staging', 'production', 'eu', 'feature-x']),
  )
  expect([...seen.codes].toSorted()).toEqual([
    'ENVIRONMENTS_SHARE_DATABASE',
    'ENVIRONMENT_CONTRADICTION',
    'ENVIRONMENT_FLAG_UNCLEAR',
    'ENVIRONMENT_UNKNOWN',
    'ENVIRONMENT_URL_INVALID',
    'ENVIRONMENT_WITHOUT_URL',
    'PRODUCTION_NOT_CHOSEN',
    'TEST_WITHOUT_URL',
  ])
})

function attempt(input: ResolveInput<string>) {
  try {
    return resolveEnvironment(input)
  } catch (error) {
    if (error instanceof SeedbedError) return error
    throw error
  }
}

/** A variable, a branch, the flag, an option or an environment of this input stands in the text. */
function namesAnInput(text: string, { config, variables, envFile, branch, flag }: ResolveInput<string>): boolean {
  const said = [...Object.keys(variables), ...Object.keys(envFile ?? {}), ...Object.keys(config.environments ?? {})]
  return [...said, branch, flag?.trim(), 'default', 'seedbed run'].some(word => !blank(word) && text.includes(word!))
}

function isTrue(reason: string, input: ResolveInput<string>): boolean {
  const { config, variables, envFile = {}, branch, flag } = input
  if (reason === 'default') return blank(flag)
  if (reason === 'under Vitest') return variables.VITEST === 'true'
  if (reason.startsWith('--env ')) return reason === `--env ${flag?.trim()}`
  if (reason.startsWith('branch ')) return reason.startsWith(`branch ${branch} matches '`)
  if (reason.startsWith('npm run '))
    return reason === `npm run ${variables.npm_lifecycle_event}` && config.select?.scripts !== undefined
  const [, variable, value] = /^(\w+)=(.*)$/.exec(reason)!
  return (blank(variables[variable!]) ? envFile[variable!] : variables[variable!])?.trim() === value
}
