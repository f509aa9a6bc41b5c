import { readFileSync } from 'node:fs'
import { basename, extname } from 'node:path'
import type { EnvironmentsConfig } from '../config.js'
import { applicationErrors } from './errors.js'
import { findConfig } from './find-config.js'

export interface FoundConfig {
  /** The config's folder, or without one the folder of the nearest package.json. Absolute: `.env` and `.seedbed` are there. */
  folder: string
  config: EnvironmentsConfig<string>
}

/**
 * The environments of `seedbed.config.{ts,mts,js,mjs,cjs,json}`, found from a folder upwards and no further than the nearest
 * package.json or the repository's root. Synchronous, for an application wants its URL while it is imported.
 *
 * TypeScript is run by Node, where it can, else by `jiti`, if that is installed.
 *
 * @throws SeedbedError ENVIRONMENTS_NOT_READ
 */
export function loadEnvironments(from: string): FoundConfig {
  const { folder, files } = findConfig(from)
  const [file, ...others] = files
  if (others.length > 0) throw notRead(folder, `there are several: ${files.map(path => basename(path)).join(', ')}`)
  return { folder, config: file === undefined ? {} : readConfig(file) }
}

const loaded = new Map<string, EnvironmentsConfig<string>>()

function readConfig(file: string): EnvironmentsConfig<string> {
  const known = loaded.get(file)
  if (known) return known
  const exported = exportsOf(file)
  const config = isObject(exported) && 'default' in exported ? exported.default : exported
  if (!isObject(config)) throw notRead(file, 'it exports no options')
  loaded.set(file, config)
  return config
}

function exportsOf(file: string): unknown {
  try {
    if (extname(file) === '.json') return JSON.parse(readFileSync(file, 'utf8').replace(/^\ufeff/, '')) as unknown
    if (!/\.m?ts$/.test(file) || hasTypes()) return require(file) as unknown
    const { createJiti } = require('jiti') as typeof import('jiti')
    return createJiti(__filename, { interopDefault: false })(file) as unknown
  } catch (error) {
    throw notRead(file, (error as Error).message.split('\n', 1)[0]!, error)
  }
}

const hasTypes = () => 'typescript' in process.features && Boolean(process.features.typescript)

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function notRead(file: string, problem: string, cause?: unknown) {
  return applicationErrors.ENVIRONMENTS_NOT_READ({ file, problem }, { cause })
}
