import { understand, type Meaning } from './statements.js'

/** A statement of one text; undefined where it is plain. */
export async function meaningOf(text: string): Promise<Meaning | undefined | 'several' | 'unknown'> {
  const statements = await understand(text)
  if (!statements) return undefined
  // One that the parser refuses is most often refused by the server too, which then says why.
  if (statements === 'unknown') return controlsTransactions.test(text) ? 'unknown' : undefined
  if (statements.length > 1) return 'several'
  return statements[0]?.meaning
}

/** The server might understand it after all, and end the shared transaction. */
const controlsTransactions = /\b(?:commit|end|rollback|abort|prepare\s+transaction)\b/i

/** Run by a command: the server never sees its messages. */
export function isControl(meaning: Meaning | undefined): boolean {
  if (meaning?.kind === 'set') return !meaning.isFunction
  return meaning !== undefined && !['plain', 'execute', 'fetch'].includes(meaning.kind) && !isObserved(meaning)
}

/** May have parameters, so that the server runs it by the client's own messages; it is looked at before. */
export function isObserved({ kind }: Meaning): boolean {
  return kind === 'inTransaction' || kind === 'holdCursor' || kind === 'temporary' || kind === 'copyIn'
}

export function withParameters(
  meaning: Extract<Meaning, { kind: 'set' }>,
  parameters: (string | undefined)[],
): Extract<Meaning, { kind: 'set' }> {
  const names = meaning.names
    .map(name => (name.startsWith('$') ? parameters[Number(name.slice(1)) - 1] : name))
    .filter(name => name !== undefined)
  return { ...meaning, names }
}
