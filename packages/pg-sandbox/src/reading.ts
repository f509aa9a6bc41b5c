import { notInSandbox } from './explain.js'
import type { ServerSession } from './server-session.js'

/**
 * How the server has to read a text so that it reads what our parser does. Under other settings it sees a string end
 * elsewhere, and a COMMIT could hide from the sandbox: in SJIS, BIG5, GBK, UHC, GB18030 and JOHAB the second byte of a
 * character may be a backslash (manual, section 23.3.4), and with `standard_conforming_strings = off` a backslash escapes a
 * quote.
 */
const needed = new Map([
  ['client_encoding', ['UTF8', 'SQL_ASCII']],
  ['standard_conforming_strings', ['on']],
])

type Refusal = Error & { code: string; hint: string }

/** Throws if what the session is set to cannot stay; the server reports these parameters whoever has changed them. */
export function refuseMisreading({ current }: ServerSession): void {
  for (const [name, values] of needed) {
    const value = current.get(name)
    if (value !== undefined && !values.includes(value)) throw refusal(name, value)
  }
}

/** The refusal of what a client asks for at its start-up, where a value may have any of its names. */
export function misreadingAsked(settings: ReadonlyMap<string, string>): Refusal | undefined {
  for (const [asked, value] of settings) {
    const name = asked.toLowerCase()
    const plain = value.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
    if (needed.has(name) && !otherNames.includes(plain)) return refusal(name, value)
  }
  return undefined
}

const otherNames = ['utf8', 'unicode', 'sqlascii', 'on', 'true', 'yes', '1']

function refusal(name: string, value: string): Refusal {
  return Object.assign(new Error(`in a sandbox, ${name} cannot be "${value}", but only ${needed.get(name)![0]}`), {
    code: '0A000',
    hint: notInSandbox('It could not tell what a statement does to the transaction.'),
  })
}
