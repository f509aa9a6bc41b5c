import type { Variables } from '../config.js'

/**
 * What must not be printed, of what the process knows: passwords in URLs, encoded and decoded, and the values of variables
 * that are called like one.
 *
 * @example secretsOf({ DATABASE_URL: 'postgresql://ada:p%40ss1@localhost/shop' }) // ['p%40ss1', 'p@ss1']
 */
export function secretsOf(...sources: Variables[]): string[] {
  const secrets = sources.flatMap(variables =>
    Object.entries(variables).flatMap(([name, value = '']) => [
      ...(secretName.test(name) && !folderName.test(name) ? [value] : []),
      ...[...value.matchAll(/:\/\/[^\s:/@]*:(\S*)@/g)].map(match => match[1]!),
      ...[...value.matchAll(/[?&][^=&\s]*pass[^=&\s]*=([^&\s]*)/gi)].map(match => match[1]!),
    ]),
  )
  const spellings = secrets.flatMap(secret => [secret, secret.trim(), decoded(secret)])
  // A shorter one, or a plain word, would be found in every line, and tell more by its absence than by its presence.
  return [...new Set(spellings)].filter(secret => secret.length >= 4 && !/^(true|false)$/i.test(secret))
}

const secretName = /pass|pwd|secret|token|api_?key|credential/i

/** Every shell has the folder that it is in, and the one before, in variables whose names look like a password's. */
const folderName = /^(OLD)?PWD$/

/**
 * A text without these secrets, and without what looks like a password by where it stands.
 *
 * @example withoutSecrets('reset --url postgresql://ada:1234@localhost/shop', []) // 'reset --url postgresql://ada@localhost/shop'
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const known = [...secrets]
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
  return known
    .replace(/(:\/\/[^\s:/@]*):\S*@/g, '$1@')
    .replace(/(?<![\w-])(-[\w-]*(?:pass|pwd|secret|token)[\w-]*\s+)\S+/gi, '$1***')
    .replace(/(?<![\w-])([\w-]*(?:pass|pwd|secret|token)[\w-]*\s*=\s*)[^\s&]+/gi, '$1***')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
