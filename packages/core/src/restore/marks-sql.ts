/**
 * Triggers by which the server notes each statement that writes, in the very transaction that writes. They fire under every
 * `session_replication_role`; their function has its owner's rights, and the application's role none.
 */
export const marksSql = `
create function seedbed_restore.mark() returns trigger language plpgsql security definer as $mark$
begin
  insert into seedbed_restore.written values (tg_relid, null, tg_op = 'INSERT');
  return null;
end
$mark$;

do $prepare$
declare
  each record;
begin
  for each in select r.name from seedbed_restore.relation r where r.kind <> 'm' order by r.id loop
    execute format('create trigger seedbed_restore before insert or update or delete or truncate on %s
      for each statement execute function seedbed_restore.mark()', each.name);
    execute format('alter table only %s enable always trigger seedbed_restore', each.name);
  end loop;
end
$prepare$`

/** The same for DDL, which only a superuser can have. */
export const ddlMarksSql = `
create function seedbed_restore.mark_ddl() returns event_trigger language plpgsql security definer as $mark$
begin
  if tg_event = 'sql_drop' then
    insert into seedbed_restore.written (ddl)
    select pg_catalog.concat_ws(' ', tg_tag, o.object_identity) from pg_catalog.pg_event_trigger_dropped_objects() o
    where o.original and not o.is_temporary;
    return;
  end if;
  insert into seedbed_restore.written (relation, ddl)
  select
    case when c.command_tag = 'REFRESH MATERIALIZED VIEW' then c.objid end,
    case when c.command_tag <> 'REFRESH MATERIALIZED VIEW' then pg_catalog.concat_ws(' ', c.command_tag, c.object_identity) end
  from pg_catalog.pg_event_trigger_ddl_commands() c
  where c.schema_name is distinct from 'pg_temp' and c.command_tag <> 'REINDEX';
end
$mark$;
create event trigger seedbed_restore_ddl on ddl_command_end execute function seedbed_restore.mark_ddl();
create event trigger seedbed_restore_drop on sql_drop execute function seedbed_restore.mark_ddl();
alter event trigger seedbed_restore_ddl enable always;
alter event trigger seedbed_restore_drop enable always`
