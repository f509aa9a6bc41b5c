/**
 * The command that runs npm, and its arguments. Inside `npm test` npm is known by the path of its own script, so that it runs
 * with the same Node on every platform.
 *
 * @param {string[]} parameters
 * @returns {[string, string[]]}
 */
export function npmCommand(parameters) {
  const script = process.env.npm_execpath
  return script ? [process.execPath, [script, ...parameters]] : ['npm', parameters]
}
