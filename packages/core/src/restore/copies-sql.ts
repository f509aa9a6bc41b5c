import { unseenSequences, unseenSessions } from './unseen-sql.js'

/**
 * The schema with the copies, and for each table the functions that put it back: the session keeps the plans of
 * their statements.
 *
 * A row's version is known by where it is and which transaction wrote it (ctid and xmin): a version never changes. So the
 * copy has both beside each row, and no key is needed. Only VACUUM FULL and CLUSTER move them, to another file. After a crash of the server the unlogged copies are empty, and the
 * witness with them.
 *
 * A line of a copy counts from the hold in which it came until the one in which it went: see hold-sql.ts. 0 is the seed.
 *
 * Nothing in it depends on the application's objects, so that a test may drop what it likes: columns of types
 * that are not PostgreSQL's own are copied as text.
 *
 * @param options whether the session may set `session_replication_role`
 */
export function copiesSql({ replica }: { replica: boolean }): string {
  return `
create schema seedbed_restore;
create unlogged table seedbed_restore.witness as
  select not exists (select from pg_class where relkind = 'S' and relpersistence = 'u') as nextval_is_logged,
    ${unseenSessions} as unseen_sessions, ${unseenSequences} as unseen_sequences;
create unlogged table seedbed_restore.written (
  relation oid,
  ddl text,
  /* an INSERT alone */
  adds boolean
);
create table seedbed_restore.relation (
  id oid primary key,
  name text not null,
  /* of a table: the file in which the copy knows its rows */
  file oid,
  /* 'r' table, 'p' partitioned table, 'm' materialized view */
  kind "char" not null,
  /* itself and its partitions or inheriting tables: a statement names only the topmost */
  family oid[] not null,
  /* parents of foreign keys before their children */
  rank int not null,
  disable text,
  enable text,
  /* of a table: what the copy has of its columns */
  stored text
);
create table seedbed_restore.sequence (id oid not null, name text not null, last_value bigint not null, is_called boolean not null,
  came smallint not null default 0, went smallint,
  /* the one table that owns it or has defaults from it, if it is one: while nobody writes there, only who names it moves it */
  of oid);
create table seedbed_restore.large_object (id oid primary key, digest text not null, came smallint not null default 0);
create table seedbed_restore.held (relation oid not null, hold smallint not null);

insert into seedbed_restore.relation (id, name, file, kind, family, rank)
with recursive kept as (
  select c.oid as id, format('%I.%I', n.nspname, c.relname) as name, c.relkind as kind
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'm') and c.relpersistence <> 't'
    and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'seedbed_restore')
), heirs (id, heir) as (
  select k.id, k.id from kept k
  union select h.id, i.inhrelid from heirs h join pg_inherits i on i.inhparent = h.heir
), ranks (id, rank) as (
  select k.id, 0 from kept k
  union select f.conrelid, r.rank + 1 from ranks r join pg_constraint f
    on f.contype = 'f' and f.confrelid = r.id and f.conrelid <> r.id
  where r.rank < 20
)
select k.id, k.name, pg_relation_filenode(k.id), k.kind,
  (select array_agg(h.heir) from heirs h where h.id = k.id),
  (select max(r.rank) from ranks r where r.id = k.id)
from kept k;

do $prepare$
declare
  each record;
  columns record;
  copy text;
begin
  for each in
    select r.id, r.name, r.kind, c.relispopulated as populated
    from seedbed_restore.relation r join pg_class c on c.oid = r.id order by r.id
  loop
    copy := 'seedbed_restore.copy_' || each.id;
    if each.kind = 'm' then
      /* A line of null stands for a view that is not populated. */
      execute format('create unlogged table %s as
        select (m.*)::text as row, 0::smallint as came, null::smallint as went from %s m %s', copy, each.name,
        case when each.populated then '' else 'with no data' end);
      if not each.populated then execute format('insert into %s values (null, 0, null)', copy); end if;
      continue;
    end if;
    if each.kind = 'r' then
      select
        coalesce(string_agg(', ' || case when own then format('(%I)%s', attname, alike) else format('(%I)::text', attname) end
          || format(' as c%s', attnum), '' order by attnum), '') as stored,
        string_agg(format('%I', attname), ', ' order by attnum) as named,
        string_agg(format(case when own then 'c%s' else 'c%s::' || type end, attnum), ', ' order by attnum) as given
      into columns
      from (
        select a.attname, a.attnum, format_type(a.atttypid, a.atttypmod) as type,
          /* types of its own, and arrays of them */
          t.typnamespace = 'pg_catalog'::regnamespace as own,
          case when a.attcollation not in (0, 100, 950) then ' collate "default"' else '' end as alike
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = each.id and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      ) a;
      execute format('create unlogged table %s as
        select ctid as at, xmin as since, 0::smallint as came, null::smallint as went%s from only %s', copy, columns.stored, each.name);
      /* Removes rows that the copy does not have, and answers where the copy has those that are lost. Where rows were only added,
         they are those of transactions that began later than all whose rows the copy has, but for ours. */
      execute format('
        create function seedbed_restore.remove_%3$s(what text, young int, ours xid[]) returns tid[] language plpgsql as $remove$
        #variable_conflict use_column
        <<remove_%3$s>>
        declare
          more tid[];
          lost tid[];
        begin
          case what
            when ''added'' then
              select array_agg(t.ctid) into more from only %2$s t
              where age(t.xmin) <= remove_%3$s.young and t.xmin <> all(remove_%3$s.ours);
            when ''changed'' then
              select into more, lost ${whatDiffers};
            when ''moved'' then
              delete from only %2$s;
              select array_agg(c.ctid) into lost from %1$s c where c.went is null;
          end case;
          if more is not null then
            delete from only %2$s where ctid = any(remove_%3$s.more);
          end if;
          return lost;
        end
        $remove$', copy, each.name, each.id);
      execute format('
        create function seedbed_restore.bring_%6$s(lost tid[], holds smallint[]) returns boolean language plpgsql as $bring$
        #variable_conflict use_column
        <<bring_%6$s>>
        declare
          hold smallint;
        begin
          if lost is null then
            return false;
          end if;
          foreach hold in array holds loop
            with gone as (
              delete from %1$s c where c.ctid = any(bring_%6$s.lost) and c.came = bring_%6$s.hold returning c.*
            ), back as (
              insert into %2$s %3$s overriding system value select %4$s from gone returning ctid, xmin, bring_%6$s.hold, null::smallint%5$s
            )
              insert into %1$s select * from back;
          end loop;
          return true;
        end
        $bring$',
        copy, each.name, '(' || columns.named || ')', columns.given, columns.stored, each.id);
      update seedbed_restore.relation r set stored = columns.stored where r.id = each.id;
    end if;
    update seedbed_restore.relation r set (disable, enable) = (
      select string_agg(format('alter table only %s disable %s %I', each.name, f.what, f.name), '; '),
        string_agg(format('alter table only %s enable %s%s %I', each.name,
          case f.enabled when 'A' then 'always ' when 'R' then 'replica ' else '' end, f.what, f.name), '; ')
      from (
        select 'trigger' as what, g.tgname as name, g.tgenabled as enabled from pg_trigger g
        where g.tgrelid = each.id and not g.tgisinternal
        union all
        select 'rule', w.rulename, w.ev_enabled from pg_rewrite w where w.ev_class = each.id and w.rulename <> '_RETURN'
      ) f
      where f.enabled in (${replica ? `'A', 'R'` : `'A', 'O'`})
    ) where r.id = each.id;
  end loop;

  for each in
    select c.oid as id, format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'S' and c.relpersistence <> 't' and n.nspname !~ '^pg_'
  loop
    execute format('insert into seedbed_restore.sequence select %s, %L, last_value, is_called from %s', each.id, each.name, each.name);
  end loop;
  update seedbed_restore.sequence s set of = u.id from (
    select n.sequence, (array_agg(n.id))[1] as id from (
      select d.refobjid as sequence, a.adrelid as id from pg_depend d join pg_attrdef a on a.oid = d.objid
      where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
      union select d.objid, d.refobjid from pg_depend d
      where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') and d.refobjsubid > 0
    ) n join seedbed_restore.relation r on r.id = n.id
    group by n.sequence having count(*) = 1 and bool_and(r.family = array[r.id])
  ) u where u.sequence = s.id;
  /* From here on the first nextval of each is logged, and so has the number of a transaction. */
  perform setval(s.id, s.last_value, s.is_called) from seedbed_restore.sequence s;
  insert into seedbed_restore.large_object select m.oid, md5(lo_get(m.oid)) from pg_largeobject_metadata m;
end
$prepare$`
}

/** For `format`, `%1$s` the copy and `%2$s` the table: rows that the copy does not have, and lines of it whose row is gone. */
export const whatDiffers = `
  array_agg(t.ctid) filter (where t.ctid is not null), array_agg(c.ctid) filter (where c.ctid is not null)
  from only %2$s t full join (select l.ctid, l.at, l.since from %1$s l where l.went is null) c on c.at = t.ctid
  where c.since is distinct from t.xmin`
