import { styleText } from 'node:util'

/** Says something about the run to whoever watches. Standard output is not ours: it may be a file of the user's. */
export function say(line: string): void {
  process.stderr.write(`${colour('bold', 'seedbed')}  ${line}\n`)
}

/** Where the text goes decides whether it has colours, and NO_COLOR and FORCE_COLOR do. */
export function colour(format: 'bold' | 'green' | 'yellow', text: string): string {
  return styleText(format, text, { stream: process.stderr })
}

/** An error that says what to do says all; of any other, whoever mends Seedbed needs the stack. */
export function printError(error: unknown): void {
  const isTeaching = error instanceof Error && 'hint' in error && typeof error.hint === 'string'
  const text = isTeaching ? `${error.name}: ${error.message}` : error instanceof Error ? error.stack : error
  process.stderr.write(`${String(text)}\n`)
}

// When nobody reads them any more (`2>&1 | head`), the notes are lost, and the command goes on.
process.stderr.on('error', () => {})
