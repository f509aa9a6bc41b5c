import type { AddressConfig, PartDefaults, SourceConfig, Variables } from '../config.js'
import { databaseOf, parseUrl, urlOfParts, withDatabaseName } from './database-url.js'
import { environmentErrors } from './errors.js'
import { misconfigured, type KnownEnvironment, type KnownEnvironments } from './known-environments.js'
import type { ResolveInput } from './resolve-environment.js'
import { isSet, isThere, runnerOf, workerUrlVariable } from './runner.js'
import { layered } from './select.js'

/** Where one database of an environment is. Its URLs hold a password. */
export interface Address {
  /** `postgresql://user:password@host:5432/shop_staging`. */
  url: string
  /** The database's name: `shop_staging`. */
  database: string
  /** The same database through a pooler, where the config names one. */
  pooled?: string
}

/**
 * The addresses of an environment's databases.
 *
 * @throws SeedbedError ENVIRONMENT_WITHOUT_URL, TEST_WITHOUT_URL, ENVIRONMENT_URL_INVALID, ENVIRONMENT_NAME_TOO_LONG
 */
export function addressesOf(
  environment: KnownEnvironment,
  input: ResolveInput<string>,
  { databases }: Pick<KnownEnvironments, 'databases'>,
): { addresses: Record<string, Address>; notes: string[] } {
  const notes = new Set<string>()
  const runner = input.purpose === 'run' || runnerOf(input.variables) !== undefined
  // A run has databases of its own: what environments.test names is where they are made.
  const worker = input.variables[workerUrlVariable]
  if (input.purpose !== 'run' && environment.name === 'test' && isSet(worker)) {
    return { addresses: { [databases[0]!]: { url: worker, database: databaseOf(worker) } }, notes: [] }
  }
  const addresses: Record<string, Address> = {}
  for (const database of databases) {
    const address = addressOf(environment, database, input, note => notes.add(note))
    if (address) addresses[database] = address
    else if (!(runner && environment.name === 'test')) throw without(environment, database, input)
  }
  return { addresses, notes: [...notes] }
}

/** Where one database of an environment is, or undefined if nothing says so. */
export function addressOf(
  environment: KnownEnvironment,
  database: string,
  input: ResolveInput<string>,
  note: (text: string) => void = () => {},
): Address | undefined {
  const main = sourceFor(environment, database, input, note)
  if (main === undefined) return undefined
  const { pooled } = addressConfig(environment, database)
  const url = named(main, environment, database)
  const through = pooled && read(pooled, environment, input)
  return {
    url,
    database: databaseOf(url),
    ...(through !== undefined && { pooled: named(through, environment, database) }),
  }
}

/** The URL with the database's name as the environment's template makes it. */
function named(url: string, environment: KnownEnvironment, database: string): string {
  const template = addressConfig(environment, database).name
  if (template === undefined) return url
  const name = template.replaceAll('{database}', database).replaceAll('{environment}', environment.name)
  if (Buffer.byteLength(name) > 63) {
    throw environmentErrors.ENVIRONMENT_NAME_TOO_LONG({ environment: environment.name, name })
  }
  return withDatabaseName(url, name)
}

function sourceFor(
  environment: KnownEnvironment,
  database: string,
  input: ResolveInput<string>,
  note: (text: string) => void,
): string | undefined {
  const config = addressConfig(environment, database)
  const ci = urlOfCi(environment, input)
  if (ci !== undefined) return ci
  const { internal, external } = config
  const platform = Object.values(input.config.select?.platforms ?? {}).find(each =>
    isThere(each.variable, input.variables),
  )
  const [wanted, other] = platform ? [internal, external] : [external, undefined]
  const first = wanted && read(wanted, environment, input)
  if (first !== undefined) return first
  const second = other && read(other, environment, input)
  if (second !== undefined) {
    note(`${environment.name} has no internal address: its external one is used on ${platform!.variable}`)
    return second
  }
  return read(config, environment, input)
}

/** Every URL by which a database may be reached, wherever this process is. */
export function everyUrl(environment: KnownEnvironment, database: string, input: ResolveInput<string>): string[] {
  const config = addressConfig(environment, database)
  const sources = [config, config.internal, config.external, config.pooled]
  const urls = sources.map(source => source && read(source, environment, input))
  return urls.filter(url => url !== undefined).map(url => named(url, environment, database))
}

/** In CI the database that CI provides is used, if the process says where: a file may say the same name of production. */
function urlOfCi({ name, config }: KnownEnvironment, { variables, envFile = {} }: ResolveInput<string>) {
  if (!config.ci || !isThere('CI', variables)) return undefined
  const { variable } = config.ci
  const value = variables[variable]
  // dotenv may have copied the file's into the process.
  if (!isSet(value) || value === envFile[variable]) return undefined
  return parseUrl(value, name, variable)
}

function read(source: SourceConfig, environment: KnownEnvironment, input: ResolveInput<string>): string | undefined {
  const { url, variable, parts } = source
  const { name, tier } = environment
  const variables = layered(input)
  if (isSet(url)) return parseUrl(url, name, `environments.${name}.url`)
  const value = variable === undefined ? undefined : variables[variable]
  if (isSet(value)) return parseUrl(value, name, variable!)
  if (!parts) return undefined
  if (tier === 'production' && parts.defaults) {
    throw misconfigured(`environments.${name}.parts.defaults`, 'production has no defaults')
  }
  return urlFromParts(parts, variables, environment)
}

const partNames = ['HOST', 'PORT', 'USER', 'PASSWORD', 'NAME', 'SSLMODE'] as const

function urlFromParts(
  { prefix, defaults = {} }: { prefix: string; defaults?: PartDefaults },
  variables: Variables,
  { name: environment, config }: KnownEnvironment,
): string | undefined {
  const part = (name: (typeof partNames)[number]) => {
    const value = variables[prefix + name]
    return isSet(value) ? value : undefined
  }
  const host = part('HOST') ?? defaults.host
  // Where a template makes the name, none has to be said.
  const database = part('NAME') ?? defaults.name ?? (config.name === undefined ? undefined : 'postgres')
  if (host === undefined || database === undefined) return undefined
  const url = urlOfParts({
    host: host.trim(),
    port: part('PORT')?.trim() ?? String(defaults.port ?? 5432),
    user: part('USER')?.trim() ?? defaults.user ?? '',
    // Blanks may belong to a password.
    password: part('PASSWORD') ?? defaults.password ?? '',
    database: database.trim(),
    sslmode: part('SSLMODE')?.trim(),
  })
  return parseUrl(url, environment, `${prefix}*`)
}

function addressConfig({ config }: KnownEnvironment, database: string): AddressConfig {
  return { ...config, ...config.databases?.[database] }
}

function without(environment: KnownEnvironment, database: string, input: ResolveInput<string>) {
  const { name, tier } = environment
  const config = addressConfig(environment, database)
  const ways = [config, config.internal, config.external].flatMap(source => (source ? waysOf(source) : []))
  if (tier === 'test') return environmentErrors.TEST_WITHOUT_URL({ ways })
  const others = (input.config.databases ?? ['main']).length > 1 ? database : undefined
  return environmentErrors.ENVIRONMENT_WITHOUT_URL({ environment: name, database: others, ways })
}

function waysOf({ variable, parts }: SourceConfig): string[] {
  return [
    ...(variable === undefined ? [] : [variable]),
    ...(parts ? [`${parts.prefix}HOST and ${parts.prefix}NAME`] : []),
  ]
}
