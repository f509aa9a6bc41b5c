import { understand, type Meaning } from './statements.js'

/** A statement of one text; undefined where it is plain. */
export async function meaningOf(text: string): Promise<Meaning | undefined> {
  const statements = await understand(text)
  if (!statements) return undefined
  // One that the parser refuses is most often refused by the server too, which then says why.
  if (statements === 'unknown') return controlsTransactions.test(text) ? { kind: 'unknown' } : undefined
  // The server refuses several.
  return statements.length === 1 ? statements[0]!.meaning : undefined
}

/** The server might understand it after all, and end the shared transaction if it ran it. */
const controlsTransactions = /\b(?:commit|end|rollback|abort|prepare\s+transaction)\b/i

/** Run by a command: the server never sees its messages. */
export function isControl(meaning: Meaning | undefined): boolean {
  if (meaning?.kind === 'set') return !meaning.isFunction
  return meaning !== undefined && !['plain', 'execute', 'fetch'].includes(meaning.kind) && !isObserved(meaning)
}

/** May have parameters, so that the server runs it by the client's own messages; it is looked at before. */
export function isObserved({ kind }: Meaning): boolean {
  return ['inTransaction', 'holdCursor', 'temporary', 'copyIn', 'unknown'].includes(kind)
}

/** As text (manual, section 8.6), or in binary. */
function isTrue(value = ''): boolean {
  return /^\s*(?:t|y|on|1)/i.test(value) || value === '\u0001'
}

export function withParameters(
  meaning: Extract<Meaning, { kind: 'set' }>,
  parameters: (string | undefined)[],
): Extract<Meaning, { kind: 'set' }> {
  const given = (name: string) => (name.startsWith('$') ? parameters[Number(name.slice(1)) - 1] : name)
  const { names, local } = meaning
  return {
    ...meaning,
    names: names.map(given).filter(name => name !== undefined),
    local: typeof local === 'string' ? isTrue(given(local)) : local,
  }
}
