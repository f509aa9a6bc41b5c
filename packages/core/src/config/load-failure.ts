import { execFile } from 'node:child_process'

/**
 * Why a file of the user's could not be loaded, with the line if it is known.
 *
 * @example await loadFailure(error, '/app/seedbed.config.mjs') // "Unexpected identifier 'b' (line 3)"
 */
export async function loadFailure(error: unknown, file: string): Promise<string> {
  if (!(error instanceof Error)) return String(error)
  const line = lineOf(file, error.stack ?? '') ?? (error instanceof SyntaxError ? await checkedLine(file) : undefined)
  return line ? `${error.message} (line ${line})` : error.message
}

function lineOf(file: string, trace: string): string | undefined {
  const at = trace.indexOf(file)
  return at === -1 ? undefined : /^[^:\n]*:(\d+)/.exec(trace.slice(at + file.length))?.[1]
}

/** An ES module's syntax error does not say where it is, unless Node itself prints it. */
function checkedLine(file: string): Promise<string | undefined> {
  return new Promise(resolve => {
    execFile(process.execPath, ['--check', file], (_error, _stdout, stderr) => resolve(lineOf(file, stderr)))
  })
}
