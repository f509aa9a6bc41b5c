create table category (
  id int generated always as identity primary key,
  parent_id int references category,
  name text not null
);

create table supplier (
  id int generated always as identity primary key,
  country_id int not null references country,
  name text not null
);

create table product (
  id int generated always as identity primary key,
  supplier_id int not null references supplier,
  name text not null,
  price numeric(10, 2) not null check (price >= 0),
  details jsonb not null default '{}'
);
create index on product (supplier_id);

create table product_category (
  product_id int not null references product on delete cascade,
  category_id int not null references category,
  primary key (product_id, category_id)
);

create table stock (
  product_id int primary key references product,
  amount int not null check (amount >= 0)
);
