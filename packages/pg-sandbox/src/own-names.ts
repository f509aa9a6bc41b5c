import { escapeIdentifier } from './pg.js'
import type { Member } from './member.js'
import type { Meaning } from './statements.js'

/** A statement with the server's names of what is the client's own. */
export function withOwnNames(member: Member, text: string, meaning: Meaning): string {
  switch (meaning.kind) {
    case 'prepare':
    case 'execute': {
      const serverName = member.prepared.statements.get(meaning.name)?.serverName
      return serverName ? withName(text, afterVerb, serverName) : text
    }
    case 'holdCursor':
      return withName(text, afterVerb, member.prepared.cursor(meaning.name))
    case 'fetch':
    case 'closeCursor': {
      const portal = member.prepared.portal(meaning.name ?? '')
      const bound = member.prepared.openPortals.has(portal) ? portal : undefined
      const serverName = member.holdCursors.get(meaning.name ?? '') ?? bound
      if (serverName === undefined) return text
      return withName(text, atEnd, serverName)
    }
    default:
      return text
  }
}

const afterVerb = /^((?:\s|--[^\n]*\n|\/\*[^]*?\*\/)*\w+\s+)("(?:[^"]|"")*"|[\w$\u0080-\uffff]+)/
/** The name comes last in FETCH, MOVE and CLOSE. */
const atEnd = /^([^]*?)("(?:[^"]|"")*"|[\w$\u0080-\uffff]+)(?=\s*;?\s*$)/

function withName(text: string, pattern: RegExp, name: string): string {
  return text.replace(pattern, (_, before: string) => `${before}${escapeIdentifier(name)}`)
}
