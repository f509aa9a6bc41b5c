import { lastStatement, type Member } from './member.js'

/** The error of a client that has waited for too long for one that is idle in a transaction. */
export function turnTimeout(milliseconds: number): (waiting: Member, holder: Member) => Error {
  return (waiting, holder) =>
    Object.assign(
      new Error(
        `${waiting.label} has waited ${milliseconds} ms for ${holder.label}, which is idle in a transaction: in a sandbox all clients share one session, and a transaction holds it until its end`,
      ),
      {
        // lock_not_available
        code: '55P03',
        detail: `Waiting: ${lastStatement(waiting)}\nThe open transaction's last statement: ${lastStatement(holder)}`,
        hint: "Run the statement on the client that has the transaction, or end the transaction first. If the two must run side by side, the test needs sessions of its own (Seedbed: isolation('restore')).",
      },
    )
}
