import { whatDiffers } from './copies-sql.js'

/**
 * `seedbed_restore.hold(seen, facts, depth)`: what was written since the last time is in the copies from here on, so that
 * it is put back. `seedbed_restore.give_back(depth)`: the copies are as before that hold, and what they differ in counts as written.
 *
 * A line of a copy says itself when it came and went. So a hold costs what was written: no line is copied to be brought back later.
 */
export const holdSql = `
create function seedbed_restore.hold(seen xid8, known jsonb, depth smallint) returns jsonb
language plpgsql as $hold$
declare
  look seedbed_restore.looked := seedbed_restore.look(seen, known, true, true);
  value bigint;
  called boolean;
  each record;
begin
  if look.is_over then
    return seedbed_restore.found(look, '{}', '{}', 0);
  end if;
  perform case r.kind when 'm' then seedbed_restore.hold_view(r, depth) else seedbed_restore.hold_rows(r, depth) end
  from seedbed_restore.relation r where r.id = any(look.dirty) and r.kind in ('r', 'm');
  insert into seedbed_restore.held select r.id, depth
  from seedbed_restore.relation r where r.id = any(look.dirty) and r.kind in ('r', 'm');
  for each in select m.id, m.name, m.of from seedbed_restore.moved(null) m loop
    execute format('select last_value, is_called from %s', each.name) into value, called;
    update seedbed_restore.sequence s set went = depth where s.id = each.id and s.went is null;
    insert into seedbed_restore.sequence values (each.id, each.name, value, called, depth, null, each.of);
    /* The next nextval is logged, see copies-sql.ts. */
    perform setval(each.id, value, called);
  end loop;
  insert into seedbed_restore.large_object select m.oid, md5(lo_get(m.oid)), depth
  from pg_largeobject_metadata m where not exists (select from seedbed_restore.large_object l where l.id = m.oid);
  return seedbed_restore.found(look, '{}', '{}', 0);
end
$hold$;

create function seedbed_restore.hold_rows(each seedbed_restore.relation, depth smallint) returns void
language plpgsql as $hold_rows$
declare
  copy text := 'seedbed_restore.copy_' || each.id;
  new_file oid := pg_relation_filenode(each.id);
  more tid[];
  lost tid[];
begin
  if new_file <> each.file then
    execute format('select array_agg(t.ctid) from only %s t', each.name) into more;
    execute format('select array_agg(c.ctid) from %s c where c.went is null', copy) into lost;
    update seedbed_restore.relation r set file = new_file where r.id = each.id;
  else
    execute format('select ${whatDiffers}', copy, each.name) into more, lost;
  end if;
  execute format('update %s set went = %L where ctid = any($1)', copy, depth) using lost;
  execute format('insert into %s select ctid, xmin, %L::smallint, null::smallint%s from only %s where ctid = any($1)',
    copy, depth, each.stored, each.name) using more;
end
$hold_rows$;

create function seedbed_restore.hold_view(each seedbed_restore.relation, depth smallint) returns void
language plpgsql as $hold_view$
declare
  copy text := 'seedbed_restore.copy_' || each.id;
begin
  execute format('update %s set went = %L where went is null', copy, depth);
  if (select c.relispopulated from pg_class c where c.oid = each.id) then
    execute format('insert into %s select (m.*)::text, %L from %s m', copy, depth, each.name);
  else
    execute format('insert into %s values (null, %L)', copy, depth);
  end if;
end
$hold_view$;

create function seedbed_restore.give_back(depth smallint) returns void
language plpgsql as $give_back$
declare
  each record;
begin
  for each in
    select 'seedbed_restore.copy_' || r.id as copy, r.kind
    from seedbed_restore.held h join seedbed_restore.relation r on r.id = h.relation where h.hold = depth
  loop
    execute format('delete from %s where came = %L', each.copy, depth);
    /* The version that it was is gone for ever, and its place may be another's. */
    execute format('update %s set went = null%s where went = %L', each.copy,
      case each.kind when 'r' then ', at = null, since = ''0''' else '' end, depth);
  end loop;
  insert into seedbed_restore.written (relation) select h.relation from seedbed_restore.held h where h.hold = depth;
  delete from seedbed_restore.held h where h.hold = depth;
  delete from seedbed_restore.sequence s where s.came = depth;
  update seedbed_restore.sequence s set went = null where s.went = depth;
  delete from seedbed_restore.large_object l where l.came = depth;
end
$give_back$`
