/** What a place is for. What may be done to it follows from its tier and from `protected`. */
export type Tier = 'test' | 'development' | 'staging' | 'production'

/** Variables by name, as in `process.env`. */
export type Variables = Record<string, string | undefined>

/**
 * The part of `seedbed.config.ts` that says which databases there are and how one of them is chosen. An application that
 * ships without its development packages writes it as a module of its own, which `seedbed.config.ts` includes.
 */
export interface EnvironmentsConfig<Database extends string = 'main'> {
  /** The project's name in markers: databases of another project are not touched. @default the package's name */
  project?: string
  /** The databases that each environment has, by base name. @default ['main'] */
  databases?: readonly Database[]
  /**
   * The environments by name. The key `*` describes all that have no key of their own, such as those named after branches.
   * A variable that holds a URL is named, not read: `{ staging: { variable: 'STAGING_DATABASE_URL' } }`.
   * @default { test: { variable: 'TEST_DATABASE_URL' } }
   */
  environments?: Record<string, EnvironmentConfig<Database>>
  /** How one of them is chosen. */
  select?: SelectConfig
  /** What stands for a typed "yes" where no terminal is. */
  consent?: ConsentConfig
  /** @default { file: '.seedbed/audit.jsonl' } */
  audit?: { file?: string }
}

export interface EnvironmentConfig<Database extends string = string> extends AddressConfig {
  /** @default the environment's name, where that is the name of a tier */
  tier?: Tier
  /** Whether nothing destructive may touch it. Production always is protected. @default false */
  protected?: boolean
  /** Other names for it, in any case: `['prod', 'live']`. */
  aliases?: readonly string[]
  /** @default the first letters of the tier's name, and green, cyan, yellow or red */
  badge?: { label?: string; colour?: BadgeColour }
  /** The variable in which a CI puts its own database. It counts only while CI is set, and never from a file. */
  ci?: { variable: string }
  /** Where one of `databases` has an address of its own. */
  databases?: { [Name in Database]?: AddressConfig }
}

export type BadgeColour = 'green' | 'cyan' | 'yellow' | 'magenta' | 'red'

/** Where a database is. `internal` and `external` differ where a hosting platform has a network of its own. */
export interface AddressConfig extends SourceConfig {
  /** The address from within the hosting platform. */
  internal?: SourceConfig
  /** The address from anywhere else. */
  external?: SourceConfig
  /** The same database through a pooler. */
  pooled?: SourceConfig
  /**
   * The database's name on that server, made of `{database}`, its base name, and `{environment}`.
   * @default the one in the URL
   * @example '{database}_{environment}'
   */
  name?: string
}

/** A URL, the variable that holds one, or the prefix of the variables that hold its parts. The first that is there counts. */
export interface SourceConfig {
  /** `postgresql://user:password@host:5432/database`. */
  url?: string | undefined
  /** The name of a variable that holds such a URL. */
  variable?: string
  /** `{ prefix: 'TEST_DB_' }` reads TEST_DB_HOST, _PORT, _USER, _PASSWORD, _NAME and _SSLMODE. */
  parts?: { prefix: string; defaults?: PartDefaults }
}

/** What counts where a part's variable is unset. Production has no defaults. */
export interface PartDefaults {
  host?: string
  port?: number
  user?: string
  password?: string
  name?: string
}

export interface SelectConfig {
  /** The order in which rules are asked, after the flag of the command line. @default as they are named here */
  order?: readonly SelectionRule[]
  /** Selection flags: `{ staging: 'USE_STG_DATABASE' }`. */
  flags?: Record<string, string>
  /** Variables that hold an environment's name. @default ['ENVIRONMENT'] */
  variables?: readonly string[]
  /** npm scripts that go to an environment of their own: `{ start: 'staging' }`. */
  scripts?: Record<string, string>
  /** Environments by branch, as `*` patterns; the first that fits counts. `{branch}` stands for the branch's name. */
  branches?: Record<string, string>
  /** The folder of the repository whose branch counts. @default the one that the working folder is in */
  repository?: string
  /** Hosting platforms by name: the variable that is set there, and the environment that it means, if any. */
  platforms?: Record<string, { variable: string; environment?: string }>
  /** Where nothing else says so. @default 'development' for the application, 'test' for commands */
  default?: string
}

export type SelectionRule = 'flags' | 'variable' | 'script' | 'branch' | 'platform'

export interface ConsentConfig {
  /** A variable that is `true` where the production application runs. */
  variable?: string
  /** A platform of `select.platforms`. */
  platform?: string
}

/**
 * Types an application's environments; returns what it is given.
 *
 * @example
 * export default defineEnvironments({
 *   databases: ['main'],
 *   environments: { test: {}, production: { variable: 'PRODUCTION_DATABASE_URL' } },
 * })
 */
export function defineEnvironments<const Database extends string = 'main'>(
  config: EnvironmentsConfig<Database>,
): EnvironmentsConfig<Database> {
  return config
}
