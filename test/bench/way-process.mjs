import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/**
 * Starts `programs/way.mjs` in a folder that holds the programs and what they import.
 *
 * @param {string} folder
 * @param {string} way a file of `programs/ways`
 * @param {object} setup what that file needs
 */
export async function startWay(folder, way, setup) {
  const child = fork(join(folder, 'programs', 'way.mjs'), [way, JSON.stringify(setup)], {
    cwd: folder,
    execArgv: [],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR },
  })
  const ended = new AbortController()
  child.once('exit', code => ended.abort(new Error(`the process of "${way}" ended with ${code}`)))
  const answer = async () => {
    try {
      const [message] = await once(child, 'message', { signal: ended.signal })
      return message
    } catch (error) {
      throw ended.signal.aborted ? ended.signal.reason : error
    }
  }
  await answer()
  return {
    /** Mean microseconds of entering, body and leaving. */
    async run(body, tests) {
      child.send({ body, tests })
      return answer()
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
