/*
 * What the catalogs say of statements, whose texts do not show it. What is in them from initdb on does neither. A name that is put
 * together as it runs, and C, nobody sees through.
 */

/** A condition: a statement that does not say so may take session locks, or open a session of its own. */
export const unseenSessions = `exists (select from pg_extension e where e.extname in ('dblink', 'postgres_fdw'))
  /* Such a language may open what it likes. */
  or exists (select from pg_language l where not l.lanpltrusted and l.oid >= 16384)
  /* Those of a transaction end with it. */
  or exists (select from (${texts({ defaults: true })}) named(text) where named.text ~* 'advisory(?!_xact_lock|_unlock)')`

/**
 * A condition: a statement that does not say so and has not failed may have moved a sequence, other than by a default for the rows that it
 * wrote, which depends on the sequence. A block with an exception handler undoes what it has done, in languages like plperl any block.
 */
export const unseenSequences = `exists (select from pg_language l where l.oid >= 16384 and l.lanname <> 'plpgsql')
  or exists (select from (${texts({ defaults: false })}) named(text) where named.text ~* 'nextval|setval|exception[^;]*\\mwhen\\M')
  or exists (select from pg_attrdef a where pg_get_expr(a.adbin, a.adrelid) ~* 'nextval|setval' and not exists (
    select from pg_depend d join pg_class s on s.oid = d.refobjid and s.relkind = 'S'
    where d.classid = 'pg_attrdef'::regclass and d.objid = a.oid and d.refclassid = 'pg_class'::regclass))`

function texts({ defaults }: { defaults: boolean }): string {
  return `
    select pg_get_functiondef(p.oid) from pg_proc p where p.prokind <> 'a' and p.oid >= 16384
    /* views too */
    union all select pg_get_ruledef(r.oid) from pg_rewrite r where r.oid >= 16384
    union all select pg_get_triggerdef(t.oid) from pg_trigger t where not t.tgisinternal
    union all select t.typdefault from pg_type t where t.typtype = 'd'
    ${defaults ? 'union all select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d' : ''}
    union all select pg_get_constraintdef(c.oid) from pg_constraint c where c.contype = 'c' and c.oid >= 16384
    union all select concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) from pg_policy p
  `
}
