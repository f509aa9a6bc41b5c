/**
 * A condition: something in the database may take session locks when a statement comes upon it, so that the statement need not name
 * them itself. What is in the catalogs from initdb on does not.
 *
 * A name that is put together as it runs, and C, it does not see through.
 */
export const namesLocks = `exists (select from (
    select pg_get_functiondef(p.oid) from pg_proc p where p.prokind <> 'a' and p.oid >= 16384
    /* views too */
    union all select pg_get_ruledef(r.oid) from pg_rewrite r where r.oid >= 16384
    union all select pg_get_triggerdef(t.oid) from pg_trigger t where not t.tgisinternal
    union all select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
    union all select pg_get_constraintdef(c.oid) from pg_constraint c where c.contype = 'c' and c.oid >= 16384
    union all select t.typdefault from pg_type t where t.typtype = 'd'
    union all select concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) from pg_policy p
  ) named(text)
  /* Those of a transaction end with it. */
  where named.text ~* 'advisory(?!_xact_lock|_unlock)')`
