/** What a statement means for the transaction that its author believes to be in. */
export type TransactionControl = 'begin' | 'commit' | 'rollback' | 'savepoint' | 'unsupported' | null

/**
 * Recognises the statements by which code opens and ends a transaction of its own, when such a statement is the whole
 * text. `savepoint` stands for SAVEPOINT, RELEASE and ROLLBACK TO; `unsupported` are those that a savepoint cannot stand in for (isolation levels, READ ONLY, CHAIN, two phases).
 *
 * Text is enough here because it only has to serve `db`; a statement that ends the transaction from the middle of a
 * longer text is noticed by the transaction status that the server sends after it.
 *
 * @example transactionControl('START TRANSACTION;') // 'begin'
 */
export function transactionControl(text: string): TransactionControl {
  const words = text.replaceAll(/--[^\n]*|\/\*[^]*?\*\//g, ' ').match(/^\s*([a-z]+)\b([^;]*);?\s*$/i)
  if (!words) return null
  const rest = words[2]?.trim().toLowerCase() ?? ''
  switch (words[1]?.toLowerCase()) {
    case 'begin':
      return /^(work|transaction)?$/.test(rest) ? 'begin' : 'unsupported'
    case 'start':
      if (!rest.startsWith('transaction')) return null
      return rest === 'transaction' ? 'begin' : 'unsupported'
    case 'commit':
    case 'end':
      return /^((work|transaction)\b)?(\s*and no chain)?$/.test(rest) ? 'commit' : 'unsupported'
    case 'rollback':
    case 'abort':
      if (/^((work|transaction)\b)?\s*to\b/.test(rest)) return 'savepoint'
      return /^((work|transaction)\b)?(\s*and no chain)?$/.test(rest) ? 'rollback' : 'unsupported'
    case 'savepoint':
    case 'release':
      return 'savepoint'
    case 'prepare':
      return rest.startsWith('transaction') ? 'unsupported' : null
    default:
      return null
  }
}
