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
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  return new Promise(resolve => {
    lines.on('SIGINT', () => {
      process.stderr.write('\n')
      resolve('interrupted')
    })
    lines.on('close', () => resolve('no'))
    lines.question(`${what}\n${colour('bold', 'Type yes to go on: ')}`, answer =>
      resolve(answer.trim().toLowerCase() === 'yes' ? 'yes' : 'no'),
    )
  }).finally(() => lines.close()) as Promise<Answer>
}
