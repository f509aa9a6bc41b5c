import { fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * Starts a program of `programs` that says when it is ready, and then answers each message with one.
 *
 * @param {string} name for messages, if it ends
 * @param {string} file
 * @param {{ args?: string[] } & import('node:child_process').ForkOptions} options
 */
export async function startProgram(name, file, { args = [], ...options }) {
  const child = fork(file, args, { execArgv: [], ...options })
  const ended = new AbortController()
  child.once('exit', code => ended.abort(new Error(`${name} ended with ${code}`)))
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
    async ask(message) {
      child.send(message)
      return answer()
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
