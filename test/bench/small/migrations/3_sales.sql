create table orders (
  id int generated always as identity primary key,
  customer_id int not null references customer,
  ordered_at timestamptz not null default now()
);
create index on orders (customer_id);

create table order_line (
  order_id int not null references orders on delete cascade,
  product_id int not null references product,
  amount int not null check (amount > 0),
  primary key (order_id, product_id)
);

create table payment (
  id int generated always as identity primary key,
  order_id int not null references orders,
  paid numeric(10, 2) not null
);

create table review (
  id int generated always as identity primary key,
  product_id int not null references product,
  customer_id int not null references customer,
  stars int not null check (stars between 1 and 5),
  words text
);
create index on review (product_id);

create function refuse_empty_review() returns trigger language plpgsql as $$
begin
  if new.words = '' then
    raise exception 'an empty review';
  end if;
  return new;
end $$;
create trigger refuse_empty_review before insert or update on review
  for each row execute function refuse_empty_review();
