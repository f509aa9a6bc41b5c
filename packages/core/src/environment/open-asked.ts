import { refusalsOf } from '@seedbed/environments'
import { refuseMeanwhile } from '../run/refuse-connections.js'
import { askedIn, type AskedInProject, type InProject } from './asked-in.js'

/**
 * What decides in a project about a command that works on a database. Until it is disposed of, variables of this process that lead
 * elsewhere refuse: what the project runs, migrations and seeds, runs here.
 *
 * @param options.environment the name that the command line gives
 * @throws SeedbedError what reading a config throws
 */
export async function openAsked({
  folder,
  environment,
}: InProject & { environment?: string | undefined }): Promise<{ asked: AskedInProject } & Disposable> {
  // Before the variables refuse: the config may name them.
  const asked = { ...(await askedIn({ folder }, environment)), variables: { ...process.env } }
  const refusing = refuseMeanwhile(refusalsOf(asked)())
  return { asked, [Symbol.dispose]: () => refusing[Symbol.dispose]() }
}
