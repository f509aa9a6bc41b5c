import { escapeIdentifier, escapeLiteral } from 'pg'
import type { SequenceState } from './sequences.js'
import type { Session } from './session.js'

/**
 * Reads every sequence of the session's database, also those of identity and serial columns. Those that an extension has
 * brought and the role has no right to are the extension's own affair.
 */
export async function readSequences(session: Session): Promise<SequenceState[]> {
  const found = await session.query<{ schema: string; name: string }>(
    `select n.nspname::text as schema, c.relname::text as name
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'S' and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
        and (has_schema_privilege(n.oid, 'usage')
               and has_sequence_privilege(c.oid, 'select') and has_sequence_privilege(c.oid, 'update')
             or not exists (select from pg_depend d
                  where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'))
      order by 1, 2`,
  )
  // pg_sequences does not tell the value of a sequence that has not been called, so each is asked itself.
  const parts = found.map(
    ({ schema, name }) =>
      `select ${escapeLiteral(schema)} as schema, ${escapeLiteral(name)} as name,
         last_value::text as "lastValue", is_called as "isCalled"
         from ${escapeIdentifier(schema)}.${escapeIdentifier(name)}`,
  )
  const states: SequenceState[] = []
  while (parts.length > 0)
    states.push(...(await session.query<SequenceState>(parts.splice(0, 500).join(' union all '))))
  return states
}
