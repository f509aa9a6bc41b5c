import { styleText } from 'node:util'
import type { ResolvedEnvironment } from './resolve/resolve-environment.js'

type Badged = Pick<ResolvedEnvironment<string>, 'badge'>

/**
 * An environment's badge, in its colour where the stream shows colours: a terminal, unless NO_COLOR is set, or FORCE_COLOR.
 *
 * @param stream where it will be printed @default process.stdout
 * @example badge(environment) // '[STG]'
 */
export function badge({ badge: { label, colour } }: Badged, stream: NodeJS.WritableStream = process.stdout): string {
  return styleText(colour, `[${label}]`, { stream })
}

/**
 * Puts an environment's badge in front of every line of a text: for whatever prints or logs, as a hook of a logger.
 *
 * @example
 * const line = badged(environment)
 * console.log(line('connected to shop_staging')) // '[STG] connected to shop_staging'
 */
export function badged(environment: Badged, stream?: NodeJS.WritableStream): (text: string) => string {
  return text => text.replace(/^/gm, `${badge(environment, stream)} `)
}
