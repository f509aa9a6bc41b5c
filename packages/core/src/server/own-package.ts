import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/**
 * The folder of this package. By its name, since it is found so wherever the compiled file stands: what is packed has other
 * files than what is built.
 */
export function ownFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('@seedbed/core/package.json'))
}

/** The version of this package: `1.2.3`. */
export function ownVersion(): string {
  return (createRequire(import.meta.url)('@seedbed/core/package.json') as { version: string }).version
}
