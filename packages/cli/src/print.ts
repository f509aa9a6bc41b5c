import { clearLine, cursorTo } from 'node:readline'
import { styleText } from 'node:util'
import type { TestPlace } from '@seedbed/core'
import { badge } from '@seedbed/environments'

/** Says something about the run to whoever watches. Standard output is not ours: it may be a file of the user's. */
export function say(line: string): void {
  clearDrawn()
  process.stderr.write(`${colour('bold', 'seedbed')}  ${line}\n`)
}

/** Shows at a terminal what is under way, until the next line is said or drawn. */
export function draw(line: string): void {
  clearDrawn()
  // What is wider than the terminal would begin a second line, which nothing clears.
  const width = (process.stderr.columns || 80) - 1 - 'seedbed  '.length
  process.stderr.write(`${colour('bold', 'seedbed')}  ${line.slice(0, Math.max(width, 10))}`)
  isDrawn = true
}

let isDrawn = false

function clearDrawn(): void {
  if (!isDrawn) return
  isDrawn = false
  cursorTo(process.stderr, 0)
  clearLine(process.stderr, 0)
}

/** Says where a command works, before it does anything. */
export function sayPlace({ environment, server }: TestPlace): void {
  say(`${badge(environment, process.stderr)} ${environment.name} · ${server}`)
}

/** Prints what was asked for: a command's answer, on standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Prints an answer as JSON. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2))
}

/** Where the text goes decides whether it has colours, and NO_COLOR and FORCE_COLOR do. */
export function colour(
  format: 'bold' | 'dim' | 'green' | 'yellow' | 'red',
  text: string,
  stream: NodeJS.WritableStream = process.stderr,
): string {
  return styleText(format, text, { stream })
}

/** What others have written is printed as text: a control character could rewrite the lines above it. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- those are meant
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, found => JSON.stringify(found).slice(1, -1))
}

/** An error that says what to do says all; of any other, whoever mends Seedbed needs the stack. */
export function printError(error: unknown): void {
  const isTeaching = error instanceof Error && 'hint' in error && typeof error.hint === 'string'
  const text = isTeaching ? `${error.name}: ${error.message}` : error instanceof Error ? error.stack : error
  process.stderr.write(`${String(text)}\n`)
}

// When nobody reads them any more (`2>&1 | head`), the notes are lost, and the command goes on.
process.stderr.on('error', () => {})

// Nobody reads the answer any more (`| head`): there is nothing left to do.
export function endWithReader(): void {
  process.stdout.on('error', () => process.exit())
}
