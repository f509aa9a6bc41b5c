import { escapeIdentifier, escapeLiteral } from './pg.js'
import type { Member } from './member.js'
import { beginUnit, undoUnit, type Shared } from './shared.js'
import type { Meaning } from './statements.js'

/**
 * A client has made a temporary table. The server would end it, or its rows, at a COMMIT, and the shared transaction
 * never gets there; so it is remembered what has to happen then. By its oid: one that was dropped or rolled back, with
 * another of its name made since, is then simply gone.
 */
export async function rememberTemporary(
  shared: Shared,
  { temporary }: Member,
  { name, onCommit }: Extract<Meaning, { kind: 'temporary' }>,
): Promise<void> {
  const found = `pg_catalog.to_regclass(${escapeLiteral(`pg_temp.${escapeIdentifier(name)}`)})`
  const oids = [found, ...temporary.keys()].join(', ')
  const [rows = []] = await shared.run(`SELECT oid, oid = ${found} FROM pg_catalog.pg_class WHERE oid IN (${oids})`)
  const there = new Set(rows.map(([oid]) => oid!))
  for (const oid of temporary.keys()) if (!there.has(oid)) temporary.delete(oid)
  const made = rows.find(([, isNew]) => isNew === 't')?.[0]
  // With IF NOT EXISTS it may have been there.
  if (made && !temporary.has(made)) temporary.set(made, onCommit)
}

/** What a COMMIT does to a client's temporary tables. */
export function temporaryAtCommit({ temporary }: Member): string[] {
  const oids = (action: 'empty' | 'drop') =>
    [...temporary].filter(([, onCommit]) => onCommit === action).map(([oid]) => oid)
  const dropped = oids('drop')
  for (const oid of dropped) temporary.delete(oid)
  return [...forEach(oids('empty'), 'DELETE FROM'), ...forEach(dropped, 'DROP TABLE')]
}

/** Temporary tables go with their client. A unit of its own: whatever goes wrong in it must not be the next client's. */
export async function dropTemporary(shared: Shared, member: Member): Promise<void> {
  const drops = forEach([...member.temporary.keys()], 'DROP TABLE')
  member.temporary.clear()
  if (drops.length === 0 || shared.ground.scopes() === 0) return
  member.settings.delete('default_transaction_read_only')
  const before = await beginUnit(shared, member, { guarded: true })
  await shared.run([...before, ...drops].join('; ')).catch(() => undoUnit(shared, member))
}

/** As far as they are still there. A server asks nobody for the right; so it is done as their owner. */
function forEach(oids: string[], command: string): string[] {
  if (oids.length === 0) return []
  const code = `DECLARE
      role text := pg_catalog.current_setting('role');
      found record;
    BEGIN
      FOR found IN SELECT oid::pg_catalog.regclass AS name, pg_catalog.pg_get_userbyid(relowner) AS owner
                     FROM pg_catalog.pg_class WHERE oid IN (${oids.join(', ')}) LOOP
        PERFORM pg_catalog.set_config('role', found.owner, false);
        EXECUTE pg_catalog.format('${command} %s', found.name);
      END LOOP;
      PERFORM pg_catalog.set_config('role', role, false);
    END`
  return [`DO ${escapeLiteral(code)}`]
}
