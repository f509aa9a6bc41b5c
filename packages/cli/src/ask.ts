import { createInterface } from 'node:readline'
import { colour } from './print.js'

/** What somebody has answered; Ctrl-C ends the command as it would end any other. */
export type Answer = 'yes' | 'no' | 'interrupted'

/**
 * Asks at the terminal for a typed "yes", in any case. Whatever else is typed, and the end of input, is a no.
 *
 * @example if ((await askConsent('This is production: shop at db.example.com.')) !== 'yes') return 1
 */
export function askConsent(what: string): Promise<Answer> {
  return ask(what, 'Type yes to go on: ', answer => answer.toLowerCase() === 'yes')
}

/** Asks at the terminal for a name, letter by letter: who types it knows what it is the name of. */
export function askName(what: string, question: string, name: string): Promise<Answer> {
  return ask(what, question, answer => answer === name)
}

/** Asks at the terminal about something that can be undone: y or yes, in any case. */
export function askYes(what: string, question: string): Promise<Answer> {
  return ask(what, question, answer => /^y(es)?$/i.test(answer))
}

function ask(what: string, question: string, isYes: (answer: string) => boolean): Promise<Answer> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  return new Promise<Answer>(resolve => {
    lines.on('SIGINT', () => {
      process.stderr.write('\n')
      resolve('interrupted')
    })
    lines.on('close', () => resolve('no'))
    lines.question(`${what}\n${colour('bold', question)}`, answer => resolve(isYes(answer.trim()) ? 'yes' : 'no'))
  }).finally(() => lines.close())
}
