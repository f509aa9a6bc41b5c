import { askedHere, SeedbedError, type AskedHere } from '@seedbed/environments'
import type { SeedbedConfig } from '../config/config.js'
import { loadConfig } from '../config/load-config.js'
import { sentenceOf } from '../errors/sentence-of.js'

export interface InProject {
  /** The project's config is looked for from here upwards. */
  folder: string
}

export interface AskedInProject extends AskedHere<string> {
  config: SeedbedConfig
}

/**
 * What decides in a project about a command: its config, which is checked, the variables, `.env` and the git branch.
 *
 * @param environment the name that the command line gives
 * @throws SeedbedError what reading a config throws: CONFIG_CANNOT_LOAD, …
 * @example const environment = resolveEnvironment(await askedIn({ folder: process.cwd() }, 'staging'))
 */
export async function askedIn({ folder }: InProject, environment?: string): Promise<AskedInProject> {
  const loaded = await loadConfig(folder)
  const { config } = loaded
  return { ...askedHere({ config, folder: loaded.folder, environment, purpose: 'command' }), config }
}

/** An error as a part of an answer: the hint and the code stand beside its message. */
export interface Problem {
  code: string
  message: string
  hint: string
}

export function problemOf({ code, message, hint }: SeedbedError): Problem {
  return { code, message: sentenceOf(message), hint }
}
