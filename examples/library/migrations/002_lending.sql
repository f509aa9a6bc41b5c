create table member (
  id int generated always as identity primary key,
  name text not null,
  email text not null unique,
  preferences jsonb not null default '{"reminders": true}',
  joined_at timestamptz not null default now()
);

create table loan (
  id bigint generated always as identity primary key,
  copy_id int not null references copy,
  member_id int not null references member,
  lent_at timestamptz not null default now(),
  due_on date not null,
  returned_at timestamptz,
  check (returned_at >= lent_at)
);

-- A copy is lent to one member at a time.
create unique index one_open_loan_per_copy on loan (copy_id) where returned_at is null;

create function follow_loan() returns trigger language plpgsql as $$
begin
  update copy
  set status = case when new.returned_at is null then 'on loan' else 'on shelf' end::copy_status
  where id = new.copy_id;
  return new;
end
$$;

create trigger copy_follows_loan after insert or update on loan for each row execute function follow_loan();
