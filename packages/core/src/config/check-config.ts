import { createRequire } from 'node:module'
import type { AddressConfig, EnvironmentConfig, SourceConfig } from '@seedbed/environments'
import type { SeedbedConfig } from './config.js'
import { configErrors } from './errors.js'

/**
 * Checks names and types of all options, nested ones too. Throws CONFIG_UNKNOWN_OPTION and CONFIG_WRONG_VALUE. No value
 * of a URL stands in an error, for it may hold a password.
 *
 * @example checkConfig({ seeds: './seeds' }, '/app/seedbed.config.json')
 */
export function checkConfig(loaded: object, file: string): SeedbedConfig {
  // an editor's reference to a JSON schema is nobody's mistake
  const { $schema: _, ...config } = loaded as Record<string, unknown>
  options(checks)(config, '', file)
  return config
}

/** Throws if a value does not fit; `option` is its full name, such as `environments.test.url`. */
type Check = (value: unknown, option: string, file: string) => void

const source: Record<keyof SourceConfig, Check> = {
  url,
  variable: text('the name of a variable'),
  parts: options(
    {
      prefix: text('the beginning of the names of variables'),
      defaults: options({
        host: text('a host'),
        port,
        user: text('a role'),
        password: anyText,
        name: text('a database'),
      }),
    },
    ['prefix'],
  ),
}

const address: Record<keyof AddressConfig, Check> = {
  ...source,
  internal: options(source),
  external: options(source),
  pooled: options(source),
  name: text('a name with {database} or {environment} in it'),
}

const environment: Record<keyof EnvironmentConfig, Check> = {
  ...address,
  tier: oneOf('test', 'development', 'staging', 'production'),
  protected: boolean,
  aliases: listOf(text('a name'), 'a list of names'),
  badge: options({ label: text('a word'), colour: oneOf('green', 'cyan', 'yellow', 'magenta', 'red') }),
  ci: options({ variable: text('the name of a variable') }, ['variable']),
  databases: recordOf(options(address)),
}

const checks = {
  migrations: stringOr(
    'a path, or { command, dependsOn }',
    options({ command: text('a shell command'), dependsOn: paths }, ['command', 'dependsOn']),
  ),
  seeds: (value, option, file) => (Array.isArray(value) ? paths : text('a path or several'))(value, option, file),
  isolation: oneOf('transaction', 'restore', 'database'),
  sequences: oneOf('file', 'test'),
  users: recordOf(options({ role: text('the name of a role') })),
  ownThread: boolean,
  keep: oneOf('failed'),
  server: (value, option, file) =>
    typeof value === 'object' && value !== null
      ? options({ container: options({ image: text('the name of an image'), reuse: boolean }) }, ['container'])(
          value,
          option,
          file,
        )
      : oneOf('embedded', 'container')(value, option, file),
  variables: aFunction('a function from the connection to variables'),
  extensions: listOf(text('the name of an extension'), 'a list of names'),
  steps,
  project: text("the project's name"),
  databases: listOf(text('the base name of a database'), 'a list of names'),
  environments: recordOf(options(environment)),
  select: options({
    order: listOf(oneOf('flags', 'variable', 'script', 'branch', 'platform'), 'a list of rules'),
    flags: recordOf(text('the name of a variable')),
    variables: listOf(text('the name of a variable'), 'a list of names'),
    scripts: recordOf(text('the name of an environment')),
    branches: recordOf(text('the name of an environment')),
    repository: text('the folder of a repository'),
    platforms: recordOf(
      options({ variable: text('the name of a variable'), environment: text('the name of an environment') }, [
        'variable',
      ]),
    ),
    default: text('the name of an environment'),
  }),
  consent: options({ variable: text('the name of a variable'), platform: text('one of select.platforms') }),
  audit: options({ file: text('a path') }),
} satisfies Record<keyof SeedbedConfig, Check>

function options(known: Record<string, Check>, required: string[] = []): Check {
  return (value, option, file) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw wrong(file, option, `an object with ${Object.keys(known).join(', ')}`, value)
    }
    for (const [name, inner] of Object.entries(value)) {
      const full = option ? `${option}.${name}` : name
      const check = Object.hasOwn(known, name) ? known[name] : undefined
      if (!check) throw unknown(file, full, name, Object.keys(known))
      if (inner !== undefined) check(inner, full, file)
    }
    for (const name of required) {
      if (!(name in value)) known[name]!(undefined, `${option}.${name}`, file)
    }
  }
}

function unknown(file: string, option: string, name: string, known: string[]) {
  const { closest, distance } = createRequire(import.meta.url)(
    'fastest-levenshtein',
  ) as typeof import('fastest-levenshtein')
  const nearest = closest(name, known)
  const isNear = distance(name.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, Math.floor(name.length / 3))
  return configErrors.CONFIG_UNKNOWN_OPTION({ file, option, near: isNear ? nearest : undefined, known })
}

function wrong(file: string, option: string, expected: string, value: unknown) {
  return configErrors.CONFIG_WRONG_VALUE({ file, option, expected, got: describeValue(value) })
}

/** A value in words; a string is not shown. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (value === '') return 'an empty string'
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`
}

function text(expected: string): Check {
  return (value, option, file) => {
    if (typeof value !== 'string' || value.trim() === '') throw wrong(file, option, expected, value)
  }
}

function stringOr(expected: string, other: Check): Check {
  return (value, option, file) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) other(value, option, file)
    else text(expected)(value, option, file)
  }
}

function recordOf(item: Check): Check {
  return (value, option, file) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw wrong(file, option, 'an object of names', value)
    }
    for (const [name, inner] of Object.entries(value)) item(inner, `${option}.${name}`, file)
  }
}

function listOf(item: Check, expected: string): Check {
  return (value, option, file) => {
    if (!Array.isArray(value)) throw wrong(file, option, expected, value)
    for (const [index, inner] of value.entries()) item(inner, `${option}[${index}]`, file)
  }
}

function paths(value: unknown, option: string, file: string): void {
  const expected = 'a list of at least one path'
  listOf(text('a path'), expected)(value, option, file)
  if (Array.isArray(value) && value.length === 0) throw wrong(file, option, expected, value)
}

/** What has been done of them is noted by their names. */
function steps(value: unknown, option: string, file: string): void {
  const step = options({ name: text('a name'), run: text('a shell command') }, ['name', 'run'])
  listOf(step, 'a list of { name, run }')(value, option, file)
  const names = (value as { name: string }[]).map(({ name }) => name)
  const twice = names.findIndex((name, index) => names.indexOf(name) < index)
  if (twice !== -1) throw wrong(file, `${option}[${twice}].name`, 'a name that no other step has', names[twice])
}

function oneOf(...values: string[]): Check {
  return (value, option, file) => {
    if (typeof value === 'string' && values.includes(value)) return
    const expected = values.map(allowed => `'${allowed}'`).join(' or ')
    // a URL may stand where it does not belong, with its password
    if (typeof value !== 'string' || value === '' || value.includes('://')) throw wrong(file, option, expected, value)
    throw configErrors.CONFIG_WRONG_VALUE({ file, option, expected, got: `'${value}'` })
  }
}

function boolean(value: unknown, option: string, file: string): void {
  if (typeof value !== 'boolean') throw wrong(file, option, 'true or false', value)
}

function aFunction(expected: string): Check {
  return (value, option, file) => {
    if (typeof value !== 'function') throw wrong(file, option, expected, value)
  }
}

function port(value: unknown, option: string, file: string): void {
  if (Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536) return
  throw wrong(file, option, 'a port, such as 5432', value)
}

/** A password may be anything; an empty one is none. */
function anyText(value: unknown, option: string, file: string): void {
  if (typeof value !== 'string') throw wrong(file, option, 'a text', value)
}

function url(value: unknown, option: string, file: string): void {
  const expected = 'a URL such as postgresql://user:password@host:5432/database'
  if (typeof value === 'string' && /^postgres(ql)?:\/\//.test(value) && URL.canParse(value)) return
  throw wrong(file, option, expected, value)
}
