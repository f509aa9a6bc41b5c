import type { Reader } from '../migrations/migration-history.js'
import { applicationSchema } from '../structure/structure.js'

/**
 * One hash over all that `readCatalog` reads: two databases, or one at two times, that have the same have the same catalog. Where there
 * are 150 tables it costs a third of reading them, where there are 1,000 a tenth.
 *
 * The contents count, and not the rows' xmin: a reset itself writes rows of the system catalogs (it switches triggers off and on), and
 * two servers that were copied from one have had transactions of the same number.
 *
 * @param db a session whose search_path is pg_catalog, in a transaction that sees what others commit
 */
export async function catalogDigest(db: Reader): Promise<string> {
  const { rows } = await db.query<{ digest: string }>(digestQuery)
  return rows[0]!.digest
}

const ofRelation = (column: string) => `join relations r on r.oid = ${column}`

/** Each system catalog with the columns on which the catalog of a reset depends. Temporary objects are in no schema of the application. */
const parts = {
  pg_namespace: `(x.oid, x.nspname) from pg_namespace x where ${applicationSchema('x.nspname')}`,
  pg_class: '(x.oid, x.relname, x.relnamespace, x.relkind, x.relforcerowsecurity, x.relispopulated) from relations x',
  pg_attribute: `(x.attrelid, x.attnum, x.attname, x.atttypid, x.atttypmod, x.attidentity, x.attgenerated)
    from pg_attribute x ${ofRelation('x.attrelid')} where x.attnum > 0 and not x.attisdropped`,
  pg_type: `(x.oid, x.typname, x.typnamespace, x.typelem) from pg_type x join pg_namespace n on n.oid = x.typnamespace
    where ${applicationSchema('n.nspname')}`,
  pg_index: `(x.indexrelid, x.indrelid, x.indkey, x.indnkeyatts, x.indisunique, x.indisprimary, x.indisvalid, x.indimmediate,
    x.indexprs is null, x.indpred is null) from pg_index x ${ofRelation('x.indrelid')}`,
  pg_constraint: `(x.oid, x.conname, x.conrelid, x.confrelid, x.conkey, x.confkey, x.conpfeqop, x.conparentid)
    from pg_constraint x ${ofRelation('x.conrelid')} where x.contype = 'f'`,
  // Those of the server have low numbers (manual, 70.2.1), and keep their names.
  pg_operator: '(x.oid, x.oprname, x.oprnamespace) from pg_operator x where x.oid >= 16384',
  pg_inherits: `(x.*) from pg_inherits x ${ofRelation('x.inhparent')}`,
  pg_trigger: `(x.oid, x.tgrelid, x.tgname, x.tgenabled) from pg_trigger x ${ofRelation('x.tgrelid')} where not x.tgisinternal`,
  pg_rewrite: `(x.oid, x.ev_class, x.rulename, x.ev_enabled) from pg_rewrite x ${ofRelation('x.ev_class')}`,
  pg_sequence: `(x.seqrelid, x.seqtypid) from pg_sequence x ${ofRelation('x.seqrelid')}`,
  // What an extension has brought, and the columns of sequences.
  pg_depend: `(x.objid, x.refclassid, x.refobjid, x.refobjsubid, x.deptype) from pg_depend x ${ofRelation('x.objid')}
    where x.classid = 'pg_class'::regclass and (x.deptype = 'e' or r.relkind = 'S')`,
}

/** One text. */
export const digestQuery = `
  with relations as materialized (
    select c.oid, c.relname, c.relnamespace, c.relkind, c.relforcerowsecurity, c.relispopulated
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${applicationSchema('n.nspname')}
  )
  select md5(concat_ws(' ', ${Object.values(parts)
    .map(
      part =>
        `(select concat(count(*), ' ', sum(hashtextextended(p::text, 0)::numeric)) from (select row${part}) s(p))`,
    )
    .join(',\n    ')})) as digest`
