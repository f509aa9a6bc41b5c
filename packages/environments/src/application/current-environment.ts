import { resolve } from 'node:path'
import type { EnvironmentsConfig } from '../config.js'
import { resolveEnvironment, type ResolvedEnvironment, type ResolveInput } from '../resolve/resolve-environment.js'
import { readEnvFile } from '../variables/env-file.js'
import { readBranch } from '../variables/git-branch.js'
import { loadEnvironments } from './load-config.js'

export interface EnvironmentOptions<Database extends string = 'main'> {
  /** @default that of `seedbed.config.*`, found from `folder` upwards */
  config?: EnvironmentsConfig<Database>
  /** Where the project is. @default the working folder */
  folder?: string
  /** The environment's name, where somebody has named it: `staging`. It goes before all rules. */
  environment?: string | undefined
  /** Who asks: where nothing says where to go, a command goes to test. @default 'application' */
  purpose?: 'application' | 'command'
}

/**
 * The environment of this process: `resolveEnvironment` with the project's config, the process's variables, `.env` and the
 * git branch. It connects to nothing and asks nobody.
 *
 * @throws SeedbedError ENVIRONMENTS_NOT_READ, and what `resolveEnvironment` throws
 * @example const { name, reason } = currentEnvironment() // 'development', 'default'
 */
export function currentEnvironment<Database extends string = 'main'>(
  options: EnvironmentOptions<Database> = {},
): ResolvedEnvironment<Database> {
  return resolveEnvironment(askedHere(options))
}

/** What `resolveEnvironment` is asked in this process, and the project's folder. */
export interface AskedHere<Database extends string> extends ResolveInput<Database> {
  folder: string
}

/**
 * Reads what decides in this process: the config, the variables, `.env` and the git branch.
 *
 * @throws SeedbedError ENVIRONMENTS_NOT_READ
 * @example const { config, folder } = askedHere({ folder: process.cwd() })
 */
export function askedHere<Database extends string = 'main'>(
  options: EnvironmentOptions<Database> = {},
): AskedHere<Database> {
  const from = options.folder ?? process.cwd()
  const found = options.config ? { folder: resolve(from), config: options.config } : loadEnvironments(from)
  const config = found.config as EnvironmentsConfig<Database>
  const repository = config.select?.repository
  return {
    folder: found.folder,
    config,
    ...(options.purpose && { purpose: options.purpose }),
    variables: process.env,
    envFile: readEnvFile(found.folder),
    flag: options.environment,
    branch: repository === undefined ? readBranch(from, process.env) : readBranch(resolve(found.folder, repository)),
  }
}
