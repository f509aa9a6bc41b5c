/** Of one call; all as PostgreSQL's xid8. */
export interface Numbers {
  /** Every transaction before it had ended when the call looked. */
  oldest: string
  /** Every transaction from it on began after the call had ended. */
  next: string
  /** The call's own, if it wrote anything. */
  own: string | null
}

/**
 * What is known of a database's rows by the numbers of their transactions, which are given out in order, over the whole server.
 *
 * @param next the number of the next transaction, while nobody has written yet
 */
export function transactionNumbers(next: string) {
  /** Every transaction before it has ended, and what it did was looked at. */
  let seen = 0n
  /** The rows that the copies had from the beginning, or got by a hold, are of transactions before it. */
  let copied = BigInt(next)
  /** Transactions of ours that have brought rows back, and are not before `seen`. */
  let ours: bigint[] = []

  return {
    seen: () => String(seen),
    /** Rows of a transaction with the first number or above are not in the copies, but for those of ours; null if some may be. */
    since(): [since: string | null, ours: string[]] {
      // While a transaction goes on elsewhere for long, ours become many.
      if (seen < copied || ours.length > 20) return [null, []]
      // A row has the lower half of the number.
      return [String(seen), ours.map(number => String(BigInt.asUintN(32, number)))]
    },
    lookedAt({ oldest, own }: Numbers): void {
      // Our own transaction is none of the tests', if no other has come in between.
      seen = BigInt(oldest) + (own === oldest ? 1n : 0n)
      ours = [...ours, ...(own === null ? [] : [BigInt(own)])].filter(number => number >= seen)
    },
    held({ next }: Numbers): void {
      copied = BigInt(next)
    },
  }
}
