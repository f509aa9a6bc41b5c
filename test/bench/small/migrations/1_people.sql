create type tier as enum ('guest', 'regular', 'gold');

create table country (
  id int generated always as identity primary key,
  code text not null unique,
  name text not null
);

create table customer (
  id int generated always as identity primary key,
  name text not null,
  email text not null unique,
  tier tier not null default 'guest',
  referred_by int references customer,
  created_at timestamptz not null default now()
);

create table address (
  id int generated always as identity primary key,
  customer_id int not null references customer on delete cascade,
  country_id int not null references country,
  street text not null,
  city text not null
);
create index on address (customer_id);
