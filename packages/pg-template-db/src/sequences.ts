// Nothing is imported here: a process that only sets sequences back loads nothing else for it.

/** Where a sequence of a template stands: what `nextval` has to start from in every clone. */
export interface SequenceState {
  schema: string
  name: string
  /** A bigint as text. */
  lastValue: string
  /** Whether `lastValue` has been given out already. */
  isCalled: boolean
}

/** The slice of a `pg` client or pool that is used. */
export interface QueryClient {
  query(text: string, values: string[]): Promise<unknown>
}

/**
 * Puts every sequence back to where it stood in the template, in one statement. Like `nextval`, this is not undone by
 * a rollback. One that a transaction has dropped meanwhile is left out. The role must own the sequences or have UPDATE on them.
 *
 * @example await restoreSequences(client, template.sequences)
 */
export async function restoreSequences(client: QueryClient, sequences: readonly SequenceState[]): Promise<void> {
  if (sequences.length === 0) return
  await client.query(
    `select pg_catalog.setval(pg_catalog.to_regclass(pg_catalog.format('%I.%I', s.schema, s.name)), s."lastValue", s."isCalled")
       from pg_catalog.jsonb_to_recordset($1)
         as s(schema pg_catalog.text, name pg_catalog.text, "lastValue" pg_catalog.int8, "isCalled" pg_catalog.bool)`,
    [JSON.stringify(sequences)],
  )
}
