/** The slice of a `pg` client that seeds need; a test's `db` is one. */
export interface Queryable {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{
    rows: Record<string, unknown>[]
    rowCount: number | null
    fields: { name: string; dataTypeID: number }[]
  }>
}

/** What a statement is refused with, as far as seeds look at it. */
export interface ServerError extends Error {
  code: string
  detail?: string
  hint?: string
  where?: string
  schema?: string
  table?: string
  column?: string
  constraint?: string
}

/** Whether an error came from the server (it has an SQLSTATE) and not from the connection or from our own code. */
export function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code)
}

/** The server's message, detail and hint: what a trigger says with RAISE … USING HINT is meant for whoever reads it. */
export function reasonOf({ message, detail, hint }: ServerError): string {
  return [message, detail, hint].filter(Boolean).join('. ')
}

/**
 * Runs something of which nothing stays if it fails, and after which the transaction lives on. Must be called inside a
 * transaction. Savepoints of the same name may nest: the innermost is meant (manual, SAVEPOINT).
 */
export async function underSavepoint<Result>(db: Queryable, name: string, run: () => Promise<Result>): Promise<Result> {
  await db.query(`savepoint ${name}`)
  try {
    const result = await run()
    await db.query(`release savepoint ${name}`)
    return result
  } catch (error) {
    await undo(db, name).catch(() => {
      // the connection is gone, or the transaction was ended from inside: the first error says more
    })
    throw error
  }
}

/** Tries something, undoes it in any case, and answers with the server's refusal if there was one. */
export async function refusalOf(db: Queryable, run: () => Promise<unknown>): Promise<ServerError | undefined> {
  await db.query('savepoint seedbed_try')
  const refusal = await run().then(
    () => undefined,
    (error: unknown) => {
      if (!isServerError(error)) throw error
      return error
    },
  )
  await undo(db, 'seedbed_try')
  return refusal
}

async function undo(db: Queryable, savepoint: string): Promise<void> {
  await db.query(`rollback to savepoint ${savepoint}; release savepoint ${savepoint}`)
}
