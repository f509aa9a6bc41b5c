/** What clients have done in sessions of their own, counted from the sandbox's beginning. */
export interface DirectCounts {
  /** Statements. */
  sent: number
  /** Sessions that ended in the middle of something, so that the server may go on with it for a while. */
  abandoned: number
  /** What may have moved a sequence though no row was written: failures, rollbacks, and statements of sessions that have named nextval. */
  traceless: number
}

export const nothingSent: DirectCounts = { sent: 0, abandoned: 0, traceless: 0 }
