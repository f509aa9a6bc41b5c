import { pipeline } from 'node:stream/promises'
import type { ClientBase, Submittable } from 'pg'
import { from } from 'pg-copy-streams'

/** What the server or the connection failed with, after how many completed statements of the script. */
export class StatementFailure extends Error {
  readonly completed: number
  constructor(cause: unknown, completed: number) {
    super('a statement failed', { cause })
    this.completed = completed
  }
}

/**
 * Sends a text of any number of statements as one message (the simple query protocol, manual 54.2.2) and forgets the
 * rows. Rejects with a `StatementFailure`. `pg`'s own query does the same but does not tell how far it came.
 */
export function sendScript(client: ClientBase, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let completed = 0
    // the methods that `pg` calls on what it is given as a query, as for pg-cursor and pg-copy-streams
    const query = {
      submit: (connection: { query(text: string): void }) => connection.query(text),
      handleRowDescription() {},
      handleDataRow() {},
      handleCommandComplete() {
        completed += 1
      },
      handleEmptyQuery() {},
      handlePortalSuspended() {},
      handleCopyInResponse: (connection: { sendCopyFail(reason: string): void }) =>
        connection.sendCopyFail('its data does not follow in the next lines'),
      handleCopyData() {},
      handleError: (error: unknown) => reject(new StatementFailure(error, completed)),
      handleReadyForQuery: () => resolve(),
    }
    client.query(query as unknown as Submittable)
  })
}

/** Runs a `COPY … FROM stdin` with its data. Rejects with a `StatementFailure`. */
export async function copyIn(client: ClientBase, statement: string, data: string): Promise<void> {
  try {
    await pipeline([data], client.query(from(statement)))
  } catch (error) {
    throw new StatementFailure(error, 0)
  }
}
