import { join } from 'node:path'
import { startProgram } from './start-program.mjs'

/**
 * Starts `programs/way.mjs` in a folder that holds the programs and what they import.
 *
 * @param {string} folder
 * @param {string} way a file of `programs/ways`
 * @param {object} setup what that file needs
 */
export async function startWay(folder, way, setup) {
  const { ask, close } = await startProgram(`the process of "${way}"`, join(folder, 'programs', 'way.mjs'), {
    args: [way, JSON.stringify(setup)],
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR },
  })
  return {
    /** Mean microseconds of entering, body and leaving. */
    run: (body, tests) => ask({ body, tests }),
    close,
  }
}
